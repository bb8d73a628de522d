//! The addresses of this machine.

use std::net::{IpAddr, Ipv4Addr};

/// Usable addresses of this machine's interfaces: global and private ones first, self-assigned IPv4 after them,
/// loopback last. IPv6 link-local ones are left out, because they mean nothing without an interface number.
/// IPv4 loopback alone when the system does not tell.
#[must_use]
pub fn local_addresses() -> Vec<IpAddr> {
    let listed = match if_addrs::get_if_addrs() {
        Ok(interfaces) => interfaces
            .into_iter()
            .filter(|interface| interface.is_loopback() || interface.is_oper_up() || !knows_state(interface))
            .map(|interface| interface.ip())
            .collect(),
        Err(error) => {
            tracing::warn!(%error, "the system does not list its interfaces");
            Vec::new()
        }
    };
    ordered(listed)
}

fn knows_state(interface: &if_addrs::Interface) -> bool {
    !matches!(interface.oper_status, if_addrs::IfOperStatus::Unknown)
}

fn ordered(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    addresses.retain(|address| match address {
        IpAddr::V4(v4) => !v4.is_unspecified(),
        IpAddr::V6(v6) => !v6.is_unspecified() && !v6.is_unicast_link_local(),
    });
    let mut seen = std::collections::HashSet::new();
    addresses.retain(|address| seen.insert(*address));
    addresses.sort_by_key(|address| match address {
        address if address.is_loopback() => 2,
        IpAddr::V4(v4) if v4.is_link_local() => 1,
        _ => 0,
    });
    if addresses.is_empty() {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_last_and_nothing_is_listed_twice() {
        let parse = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let listed =
            parse(&["127.0.0.1", "::1", "169.254.3.4", "192.168.1.2", "fe80::1", "2001:db8::7", "192.168.1.2"]);
        let wanted = parse(&["192.168.1.2", "2001:db8::7", "169.254.3.4", "127.0.0.1", "::1"]);
        assert_eq!(ordered(listed), wanted);
        assert_eq!(ordered(Vec::new()), parse(&["127.0.0.1"]));
    }

    #[test]
    fn this_machine_has_an_address() {
        assert!(!local_addresses().is_empty());
    }
}
