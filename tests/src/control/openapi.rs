//! The description of the API against what answers.

use serde_json::{Map, Value, json};

use super::*;

/// A request, as its method, its path, and what is sent with its type, if anything is; and the status to expect.
type Asked<'a> = (&'a str, &'a str, Option<(&'a str, &'a [u8])>, &'a str);

/// The description that the pipeline of `project` answers.
fn description(project: &Project) -> Value {
    body(&http(project, "GET /v1/openapi.json HTTP/1.1\r\nHost: localhost", b""))
}

fn status(answer: &str) -> String {
    answer.get(9..12).unwrap_or_default().to_owned()
}

fn body(answer: &str) -> Value {
    let text = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Each operation as (method, path, what is said of it).
fn operations(description: &Value) -> Vec<(String, String, &Map<String, Value>)> {
    let paths = description["paths"].as_object().unwrap();
    let of_path =
        |(path, methods): (&String, &'_ Value)| (path.clone(), methods.as_object().cloned().unwrap());
    let all = paths.iter().map(of_path).flat_map(|(path, methods)| {
        methods.into_iter().map(move |(method, _)| (method, path.clone())).collect::<Vec<_>>()
    });
    all.map(|(method, path)| {
        let said = description["paths"][&path][&method].as_object().unwrap();
        (method.to_uppercase(), path, said)
    })
    .collect()
}

/// What `value` has that `schema` doesn't allow, or the other way round; none where it fits.
fn misfit(description: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = description.pointer(reference.trim_start_matches('#')).expect("it is there");
        return misfit(description, target, value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().filter(|choice| misfit(description, choice, value).is_none()).count();
        return (fits != 1).then(|| format!("{value} fits {fits} of {schema}"));
    }
    if let Some(allowed) = schema["enum"].as_array() {
        return (!allowed.contains(value)).then(|| format!("{value} isn't one of {allowed:?}"));
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        Value::Null => return None,
        one => vec![one.clone()],
    };
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_integral_number = found == "integer" && types.contains(&json!("number"));
    if !types.contains(&json!(found)) && !is_integral_number {
        return Some(format!("{value} is {found}, and not {types:?}"));
    }
    match value {
        Value::Array(items) => items.iter().find_map(|item| misfit(description, &schema["items"], item)),
        Value::Object(fields) => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let missing = required.iter().find(|name| !fields.contains_key(name.as_str().unwrap()));
            if let Some(missing) = missing {
                return Some(format!("{missing} is missing in {value}"));
            }
            let says_fields = schema.get("properties").or_else(|| schema.get("additionalProperties"));
            // An object of which nothing is said may hold anything.
            says_fields?;
            fields.iter().find_map(|(name, value)| {
                let known = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
                match known {
                    Some(schema) => misfit(description, schema, value),
                    None => Some(format!("nothing is said of `{name}`")),
                }
            })
        }
        _ => None,
    }
}

/// Asks as `said` describes it, and compares the answer with it.
#[track_caller]
fn check(
    project: &Project,
    description: &Value,
    (method, path, body_sent): (&str, &str, Option<(&str, &[u8])>),
) -> String {
    let (kind, sent) = body_sent.unwrap_or(("application/json", b""));
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}");
    let answer = http(project, &head, sent);
    let said = operations(description).into_iter().find(|(m, p, _)| {
        m == method
            && (p == path
                || p.split_once('{')
                    .is_some_and(|(start, _)| path.starts_with(start) && path.len() > start.len()))
    });
    let (_, _, said) = said.unwrap_or_else(|| panic!("nothing is said of {method} {path}"));
    let status = status(&answer);
    let response = &said["responses"][&status];
    assert!(response.is_object(), "{method} {path} answers {status}: {answer}");
    let content = response["content"].as_object().unwrap();
    let (_, content) = content.iter().next().unwrap();
    let wrong = misfit(description, &content["schema"], &body(&answer));
    assert_eq!(wrong, None, "{method} {path} answers {answer}");
    status
}

#[test]
fn every_route_is_described_and_answers_as_it_says() {
    let (project, mut program) = start_saying("");
    says(&mut program, "one", "a");
    let description = description(&project);
    let described: Vec<(String, String)> =
        operations(&description).into_iter().map(|(method, path, _)| (method, path)).collect();
    for (method, path, said) in operations(&description) {
        assert!(
            said["summary"].is_string() || said["description"].is_string(),
            "{method} {path} says what it is for"
        );
    }
    let two = version("versioned", "two");
    let swap = |file: &str, more: &str| format!("{{\"plugins\":{{\"say\":{file:?}}}{more}}}").into_bytes();
    let file = project.path("two.wasm");
    let to_two = swap(file.to_str().unwrap(), "");
    let unknown = br#"{"plugins":{"shout":"x.wasm"}}"#.to_vec();
    let missing = swap("missing.wasm", ",\"shadow\":3");
    let json = |body: &'static [u8]| Some(("application/json", body));
    let asked: Vec<Asked<'_>> = vec![
        ("GET", "/health", None, "200"),
        ("GET", "/ready", None, "200"),
        ("GET", "/metrics", None, "200"),
        ("GET", "/v1/openapi.json", None, "200"),
        ("GET", "/v1/status", None, "200"),
        ("POST", "/v1/swap", Some(("application/json", &to_two)), "200"),
        ("POST", "/v1/swap", Some(("application/json", &to_two)), "409"),
        ("POST", "/v1/swap", Some(("application/json", &unknown)), "404"),
        ("POST", "/v1/swap", Some(("application/json", &missing)), "422"),
        ("POST", "/v1/rollback", json(br#"{"plugin":"say"}"#), "200"),
        ("POST", "/v1/rollback", json(br#"{"plugin":"say","digest":"zz"}"#), "422"),
        ("POST", "/v1/plugins/said", Some(("application/wasm", &two)), "200"),
        ("POST", "/v1/plugins/said", Some(("application/wasm", b"no plugin")), "422"),
        ("POST", "/v1/plugins/shout", Some(("application/wasm", b"no plugin")), "404"),
        ("POST", "/v1/reload", None, "200"),
        ("POST", "/v1/workers", json(br#"{"workers":2}"#), "200"),
        ("POST", "/v1/workers", json(br#"{"workers":0}"#), "422"),
        ("GET", "/v1/history", None, "200"),
        ("GET", "/v1/status", None, "200"),
        ("POST", "/v1/stop", None, "200"),
    ];
    let mut answered = Vec::new();
    for (method, path, body, expected) in asked {
        assert_eq!(check(&project, &description, (method, path, body)), expected, "{method} {path}");
        let path = if path.starts_with("/v1/plugins/") { "/v1/plugins/{plugin}" } else { path };
        answered.push((method.to_owned(), path.to_owned()));
    }
    for operation in &described {
        assert!(answered.contains(operation), "no test asks for {operation:?}");
    }
    let finished = program.await_end();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    for (action, done, refused) in [
        ("swap", 1, 3),
        ("upload", 1, 2),
        ("rollback", 1, 1),
        ("reload", 1, 0),
        ("workers", 1, 1),
        ("stop", 1, 0),
    ] {
        let told = |what: &str| {
            let is_it = |line: &&str| line.contains(what) && line.contains(&format!("action=\"{action}\""));
            finished.stderr.lines().filter(is_it).filter(|line| line.contains("peer=127.0.0.1:")).count()
        };
        let counts = (told("control: done"), told("control: refused: "));
        assert_eq!(counts, (done, refused), "{action}: {}", finished.stderr);
    }
}

#[test]
fn no_route_goes_around_who_may_ask() {
    let project = Project::new(&saying(CONTROL, ""));
    project.write("say.wasm", version("versioned", "one"));
    let token = "a secret of some length";
    let mut program = project.start_with(&[], &[("TIDEMILL_TOKEN", token)]);
    program.wait_for_log("listening for control", 1);
    let bearer = format!("Authorization: Bearer {token}");
    let head = format!("GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n{bearer}");
    let description = body(&http(&project, &head, b""));
    let operations = operations(&description);
    assert!(operations.len() > 10, "{description}");
    for (method, path, _) in operations {
        let path = path.replace("{plugin}", "say");
        let ask = |headers: &str| {
            let head = format!("{method} {path} HTTP/1.1\r\nContent-Type: application/json\r\n{headers}");
            status(&http(&project, &head, b"{}"))
        };
        assert_eq!(ask(&format!("Host: evil.example\r\n{bearer}")), "403", "{method} {path}");
        let page = format!("Host: localhost\r\nOrigin: http://evil.example\r\n{bearer}");
        assert_eq!(ask(&page), "403", "{method} {path}");
        let is_open = ["/health", "/ready"].contains(&path.as_str());
        let without = [ask("Host: localhost"), ask("Host: localhost\r\nAuthorization: Bearer another one")];
        assert!(is_open || without.iter().all(|status| status == "401"), "{method} {path}: {without:?}");
    }
    says(&mut program, "one", "a");
    assert_eq!(program.finish().num_logged("control: "), 0, "nothing was done");
}
