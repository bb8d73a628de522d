//! Form bodies and queries, as OAuth asks for them: no name twice (RFC 6749 section 3.1).

use std::collections::HashMap;

/// Longest form in bytes.
pub(super) const MAX_FORM: usize = 8 * 1024;
/// Fields of a form.
const MAX_FIELDS: usize = 32;

/// Why a form is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Longer than is read.
    #[error("the parameters are too long or too many")]
    TooLarge,
    /// A name occurs twice.
    #[error("a parameter is given twice")]
    Twice,
}

/// Named fields; empty ones count as absent.
#[derive(Clone, Debug, Default)]
pub struct Form(HashMap<String, String>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// When there is too much of it, or a name occurs twice.
    pub fn read(text: &str) -> Result<Self, FormError> {
        if text.len() > MAX_FORM {
            return Err(FormError::TooLarge);
        }
        let mut fields = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if fields.len() >= MAX_FIELDS {
                return Err(FormError::TooLarge);
            }
            if fields.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(FormError::Twice);
            }
        }
        fields.retain(|_, value: &mut String| !value.is_empty());
        Ok(Self(fields))
    }

    /// A field that is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_decoded_and_empty_ones_absent() {
        let form = Form::read("a=1+2&b=%2Fx&c=&d").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c"), form.get("d")), (Some("1 2"), Some("/x"), None, None));
        assert_eq!(Form::read("a=1&a=1").unwrap_err(), FormError::Twice);
        let many: String = (0..40).map(|number| format!("f{number}=1&")).collect();
        assert_eq!(Form::read(&many).unwrap_err(), FormError::TooLarge);
        assert_eq!(Form::read(&"a".repeat(MAX_FORM + 1)).unwrap_err(), FormError::TooLarge);
    }

    proptest! {
        #[test]
        fn arbitrary_forms_never_panic(text in ".{0,300}") {
            let _ = Form::read(&text);
        }

        #[test]
        fn what_is_written_is_read(name in "[a-z_]{1,8}", value in ".{1,40}") {
            let text: String = url::form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
            let form = Form::read(&text).unwrap();
            prop_assert_eq!(form.get(&name), Some(value.as_str()));
        }
    }
}
