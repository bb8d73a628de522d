//! The document at `/openapi.json` against the server: everything in it is exercised, every answer fits its schema, and
//! nothing of the interface is missing from it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use entente_demo::{AccountsConfig, DemoCloud, DemoConfig};
use serde_json::{Value, json};

use crate::account::{DEVICE_GRANT, FORM, GUEST_GRANT, Page, form, page, quick};
use crate::http::{Reply, send};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const CLIENT: (&str, &str) = ("client_id", "entente-desktop");
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];

/// Calls the server and holds every answer against the document.
struct Caller {
    at: SocketAddr,
    document: Value,
    seen: RefCell<BTreeSet<(String, String, String)>>,
}

impl Caller {
    fn new(at: SocketAddr) -> Self {
        let reply = send(at, "GET", "/openapi.json", &[], "");
        let document = serde_json::from_str(&reply.body).expect("the document is JSON");
        let caller = Self { at, document, seen: RefCell::default() };
        caller.call("/openapi.json", "get", "/openapi.json", &[], "");
        caller
    }

    /// Operations with their paths.
    fn operations(&self) -> Vec<(&str, &str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            let methods = METHODS.iter().filter_map(|method| Some((*method, item.get(method)?)));
            methods.map(|(method, operation)| (path.as_str(), method, operation))
        });
        operations.collect()
    }

    fn call(&self, template: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let reply = send(self.at, &method.to_uppercase(), path, headers, body);
        let status = reply.status.to_string();
        let response = &self.document["paths"][template][method]["responses"][&status];
        assert!(response.is_object(), "{method} {template} has no {status} in the document: {reply:?}");
        match response["content"].as_object().and_then(|content| content.iter().next()) {
            None => assert_eq!(reply.body, "", "{method} {template} {status}: no body in the document"),
            Some((kind, content)) => {
                let given = reply.header("content-type").unwrap_or_default().split(';').next().unwrap();
                assert_eq!(given, kind, "{method} {template} {status}");
                if kind.ends_with("json") {
                    self.fits(&content["schema"], &serde_json::from_str(&reply.body).unwrap());
                }
            }
        }
        for name in response["headers"].as_object().iter().flat_map(|headers| headers.keys()) {
            assert!(reply.header(name).is_some(), "{method} {template} {status} has no {name}");
        }
        self.seen.borrow_mut().insert((template.to_owned(), method.to_owned(), status));
        reply
    }

    fn fits(&self, schema: &Value, value: &Value) {
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).expect("the schema is one");
        let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {value}");
    }

    fn form(&self, path: &str, fields: &[(&str, &str)], status: u16) -> Value {
        let reply = self.call(path, "post", path, &[FORM], &form(fields));
        assert_eq!(reply.status, status, "{path} {fields:?}: {reply:?}");
        serde_json::from_str(&reply.body).unwrap_or_default()
    }

    fn token(&self, fields: &[(&str, &str)], status: u16) -> Value {
        self.form("/oauth/token", fields, status)
    }

    fn guest(&self, scope: &str) -> String {
        let tokens = self.token(&[("grant_type", GUEST_GRANT), ("scope", scope)], 200);
        format!("Bearer {}", tokens["access_token"].as_str().unwrap())
    }

    /// Sends a page's form on.
    fn decide(&self, path: &str, from: &Page, more: &[(&str, &str)]) -> Reply {
        let mut fields: Vec<_> = from.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        fields.extend(more);
        self.call(path, "post", path, &[FORM, ("Cookie", &from.cookie)], &form(&fields))
    }
}

/// A path of the document with something in its braces.
fn filled(template: &str) -> String {
    template.replace("{title}", "game").replace("{file}", "tile.png").replace("{id}", "unknown")
}

/// What many operations have in common: bodies of other kinds and sizes, no token, a token for other things.
fn common(caller: &Caller) {
    let (library, play) = (caller.guest("library"), caller.guest("play"));
    for (template, method, operation) in caller.operations() {
        let path = filled(template);
        if let Some(content) = operation["requestBody"]["content"].as_object() {
            let kind = content.keys().next().unwrap();
            let bearer = ("Authorization", play.as_str());
            let headers = |kind: &'static str| match operation["security"][0].is_null() {
                true => vec![("Content-Type", kind)],
                false => vec![("Content-Type", kind), bearer],
            };
            let kind = if kind == JSON.1 { JSON.1 } else { FORM.1 };
            assert_eq!(caller.call(template, method, &path, &headers("text/plain"), "x").status, 415);
            assert_eq!(caller.call(template, method, &path, &headers(kind), &"x".repeat(10_000)).status, 413);
        }
        let security = &operation["security"];
        let Some(scopes) = security[0]["oauth"].as_array() else {
            assert_eq!(security, &json!([]), "{template} says that it needs nothing");
            continue;
        };
        let nobody = caller.call(template, method, &path, &[], "");
        assert!(nobody.status == 401 && nobody.header("www-authenticate").is_some(), "{nobody:?}");
        let expired = caller.call(template, method, &path, &[("Authorization", "Bearer gone")], "");
        assert!(expired.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{expired:?}");
        let wrong = match scopes.first().and_then(Value::as_str) {
            Some("library") => &play,
            Some("play") => &library,
            _ => continue,
        };
        let lacking = caller.call(template, method, &path, &[("Authorization", wrong)], "");
        assert_eq!(lacking.status, 403, "{method} {template}");
        assert!(lacking.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\""), "{lacking:?}");
    }
}

fn sign_in_with_a_code(caller: &Caller) -> Value {
    let started = caller.form("/oauth/device", &[CLIENT], 200);
    caller.form("/oauth/device", &[CLIENT, ("scope", "x")], 400);
    caller.form("/oauth/device", &[("client_id", "x")], 401);
    let user = started["user_code"].as_str().unwrap();
    let poll = [("grant_type", DEVICE_GRANT), CLIENT, ("device_code", started["device_code"].as_str().unwrap())];
    assert_eq!(caller.token(&poll, 400)["error"], "authorization_pending");
    let get = |path: &str, status: u16| {
        let reply = caller.call("/device", "get", path, &[], "");
        assert_eq!(reply.status, status, "{reply:?}");
        reply
    };
    let empty = page(&get("/device", 200));
    assert_eq!(caller.decide("/device", &empty, &[("user_code", "BBBB-BBBB")]).status, 404);
    let question = || page(&get(&format!("/device?user_code={user}"), 200));
    assert_eq!(caller.decide("/device", &question(), &[("decision", "allow")]).status, 400);
    assert_eq!(caller.call("/device", "post", "/device", &[FORM], "consent=x").status, 403);
    assert_eq!(caller.decide("/device", &question(), &[("decision", "allow"), ("name", "Ada")]).status, 200);
    let tokens = caller.token(&poll, 200);
    for _ in 0..9 {
        get("/device?user_code=CCCC-CCCC", 404);
    }
    get("/device?user_code=CCCC-CCCC", 429);
    tokens
}

fn sign_in_with_a_browser(caller: &Caller) {
    let path = "/oauth/authorize";
    let fields = |challenge: &str| {
        form(&[
            ("response_type", "code"),
            CLIENT,
            ("redirect_uri", "http://127.0.0.1:1/"),
            ("state", "s"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ])
    };
    let get = |query: &str| caller.call(path, "get", &format!("{path}?{query}"), &[], "");
    assert_eq!((get("").status, get(&fields("short")).status), (400, 303));
    let question = || page(&get(&fields(CHALLENGE)));
    assert_eq!(caller.decide(path, &question(), &[("decision", "deny")]).status, 303);
    assert_eq!(caller.decide(path, &question(), &[("decision", "allow")]).status, 400);
    assert_eq!(caller.call(path, "post", path, &[FORM], "consent=x").status, 403);
}

fn library(caller: &Caller, bearer: (&str, &str)) {
    let get = |template: &str, path: &str, headers: &[(&str, &str)], status: u16| {
        let reply = caller.call(template, "get", path, headers, "");
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        reply
    };
    get("/api/v1/me", "/api/v1/me", &[bearer], 200);
    let (titles, art) = ("/api/v1/titles", "/api/v1/art/{title}/{file}");
    let first: Value = serde_json::from_str(&get(titles, "/api/v1/titles?limit=4", &[bearer], 200).body).unwrap();
    let next = first["next"].as_str().unwrap();
    let last = get(titles, &format!("/api/v1/titles?cursor={next}"), &[bearer], 200);
    let mark: Value = serde_json::from_str(&last.body).unwrap();
    get(titles, &format!("/api/v1/titles?since={}", mark["mark"].as_str().unwrap()), &[bearer], 200);
    get(titles, "/api/v1/titles?cursor=x", &[bearer], 400);
    let tag = get(art, "/api/v1/art/game/tile.png", &[], 200).header("etag").unwrap().to_owned();
    get(art, "/api/v1/art/game/tile.png", &[("If-None-Match", &tag)], 304);
    get(art, "/api/v1/art/none/tile.png", &[], 404);
    get("/api/v1/regions", "/api/v1/regions", &[bearer], 200);
    get("/api/v1/regions/{id}/ping", "/api/v1/regions/near/ping", &[], 204);
    get("/api/v1/regions/{id}/ping", "/api/v1/regions/moon/ping", &[], 404);
}

/// The host has two places and a queue of one, and an account may have all of them.
fn sessions(caller: &Caller, bearer: (&str, &str)) {
    let (all, one) = ("/api/v1/sessions", "/api/v1/sessions/{id}");
    let start = |title: &str, status: u16| {
        let body = json!({ "title": title, "quality": { "width": 640, "height": 360, "fps": 30 } }).to_string();
        let reply = caller.call(all, "post", all, &[JSON, bearer], &body);
        assert_eq!(reply.status, status, "{title}: {reply:?}");
        reply.header("location").unwrap_or_default().to_owned()
    };
    let call = |method: &str, template: &str, path: &str, status: u16| {
        let reply = caller.call(template, method, path, &[bearer], "");
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
        serde_json::from_str::<Value>(&reply.body).unwrap_or_default()
    };
    start("", 404);
    start("course-6", 403);
    assert_eq!(caller.call(all, "post", all, &[JSON, bearer], "{}").status, 400);
    let first = start("testcard", 201);
    start("testcard", 200);
    start("padcheck", 201);
    let queued = start("game", 201);
    assert_eq!(call("get", one, &queued, 200)["state"], "queued");
    start("course-1", 429);
    let other = caller.guest("play");
    let busy = caller.call(all, "post", all, &[JSON, ("Authorization", &other)], r#"{"title":"game"}"#);
    assert_eq!(busy.status, 503, "{busy:?}");
    let stream = "/api/v1/sessions/{id}/stream";
    call("post", stream, &format!("{queued}/stream"), 409);
    let begun = Instant::now();
    while call("get", one, &first, 200)["state"] != "ready" {
        assert!(begun.elapsed() < Duration::from_secs(60), "encoders are found");
        std::thread::sleep(Duration::from_millis(50));
    }
    call("post", stream, &format!("{first}/stream"), 200);
    call("get", all, all, 200);
    call("delete", one, &first, 204);
    assert_eq!(call("get", one, &first, 200)["state"], "ended");
    for (method, template) in [("get", one), ("delete", one), ("post", stream)] {
        call(method, template, &filled(template), 404);
    }
}

#[test]
fn the_document_is_what_the_server_does() {
    let accounts = AccountsConfig { sessions_per_account: 3, ..quick() };
    let config = DemoConfig { max_sessions: 2, max_queue: 1, accounts, ..DemoConfig::default() };
    let cloud = DemoCloud::start(config).unwrap();
    let caller = Caller::new(cloud.address());
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/entente-cloud"] {
        assert_eq!(caller.call(path, "get", path, &[], "").status, 200);
    }
    common(&caller);
    let tokens = sign_in_with_a_code(&caller);
    sign_in_with_a_browser(&caller);
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    library(&caller, ("Authorization", &bearer));
    sessions(&caller, ("Authorization", &bearer));
    caller.token(&[("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", "x")], 401);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    caller.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)], 200);
    caller.form("/oauth/revoke", &[("token", refresh)], 200);
    caller.form("/oauth/revoke", &[], 400);
    caller.form("/oauth/revoke", &[("token", "x"), ("client_id", "x")], 401);
    let documented: BTreeSet<_> = caller
        .operations()
        .into_iter()
        .flat_map(|(path, method, operation)| {
            let statuses = operation["responses"].as_object().unwrap().keys();
            statuses.map(move |status| (path.to_owned(), method.to_owned(), status.clone()))
        })
        .collect();
    let seen = caller.seen.borrow();
    assert_eq!(documented.difference(&seen).collect::<Vec<_>>(), Vec::<&_>::new(), "documented, but not seen");
}

#[test]
fn nothing_of_the_interface_is_missing_from_the_document() {
    let cloud = DemoCloud::start(DemoConfig { accounts: quick(), ..DemoConfig::default() }).unwrap();
    let caller = Caller::new(cloud.address());
    let source = include_str!("../../src/server.rs");
    let routes: BTreeSet<_> = source
        .split(".route(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        // These belong to the open host protocol and to the demo cloud's own page.
        .filter(|path| !["/", "/games", "/health", "/clock"].contains(path) && !path.starts_with("/whep/"))
        .collect();
    let documented: BTreeSet<_> = caller.operations().iter().map(|(path, ..)| *path).collect();
    assert!(routes.len() > 10, "{routes:?}");
    assert_eq!(routes, documented);
    for path in documented {
        for method in METHODS {
            let known = caller.document["paths"][path][method].is_object();
            let reply = send(cloud.address(), &method.to_uppercase(), &filled(path), &[], "");
            assert_eq!(reply.status == 405, !known, "{method} {path}: {}", reply.status);
        }
    }
}

#[test]
fn every_schema_is_used_and_refers_to_what_is_there() {
    let document: Value = serde_json::from_str(include_str!("../../src/server/openapi.json")).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "{name} is used");
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for named in text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document["components"]["schemas"][named].is_object(), "{named} is there");
    }
}
