//! `/openapi.json`: the routes, for software that reads such things. Written by hand; the tests hold it to the
//! route table, and `tests/service/openapi.rs` to real answers.

pub(super) const DOCUMENT: &str = include_str!("openapi.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use namesake_independent::{Hostname, hosted::HostedSettings};
    use serde_json::Value;

    use super::DOCUMENT;
    use crate::{
        Limits,
        http::route::{Kind, Route},
        pages::PROBLEM_KINDS,
    };

    /// What is no API: pages without data, what they load, and paths that mean nothing, or nothing but a way elsewhere.
    const OTHERS: &[Kind] = &[
        Kind::Landing,
        Kind::Stylesheet,
        Kind::Mark,
        Kind::XrpcUnknown,
        Kind::AtHost,
        Kind::NotAtHost,
        Kind::Nowhere,
    ];
    const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    /// Every operation: its path, its method in capitals, and what is said of it.
    fn operations(document: &Value) -> Vec<(&str, String, &Value)> {
        let paths = document["paths"].as_object().unwrap();
        let members = paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(member, operation)| (path, member, operation))
        });
        members
            .filter(|(_, member, _)| METHODS.contains(&member.as_str()))
            .map(|(path, method, operation)| (path.as_str(), method.to_uppercase(), operation))
            .collect()
    }

    /// The path with each of its parameters replaced by some text.
    fn example(template: &str) -> String {
        template
            .split('{')
            .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest))
            .collect::<Vec<_>>()
            .join("a")
    }

    #[test]
    fn it_lists_the_routes_of_the_table_with_their_methods() {
        let document = document();
        let operations = operations(&document);
        for kind in Kind::ALL {
            let here = operations.iter().filter(|(path, ..)| Route::of(&example(path)).kind == *kind);
            let listed: BTreeSet<&str> = here.map(|(_, method, _)| method.as_str()).collect();
            let taken: BTreeSet<&str> = match OTHERS.contains(kind) {
                true => BTreeSet::new(),
                false => kind.methods().iter().map(http::Method::as_str).collect(),
            };
            assert_eq!(listed, taken, "{kind:?}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_component_is_used() {
        fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str));
                    members.values().for_each(|member| references(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => (),
            }
        }
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for family in ["schemas", "responses", "parameters", "headers"] {
            for name in document["components"][family].as_object().unwrap().keys() {
                assert!(found.contains(format!("#/components/{family}/{name}").as_str()), "{family}/{name}");
            }
        }
    }

    #[test]
    fn operations_are_complete_and_distinct() {
        let document = document();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(document["servers"][0]["url"], "/");
        let operations = operations(&document);
        let ids: BTreeSet<_> =
            operations.iter().map(|(.., operation)| operation["operationId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), operations.len());
        for (path, method, operation) in operations {
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(!operation["responses"].as_object().unwrap().is_empty(), "{method} {path}");
            // Every parameter of the path is declared, for it or for the path as a whole.
            let mut declared: Vec<&Value> = Vec::new();
            for list in [&document["paths"][path]["parameters"], &operation["parameters"]] {
                declared.extend(list.as_array().into_iter().flatten());
            }
            let declared = declared.iter().map(|parameter| match parameter["$ref"].as_str() {
                Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
                None => parameter,
            });
            let in_path: BTreeSet<&str> = declared
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let in_template = path.split('{').skip(1).map(|part| part.split('}').next().unwrap()).collect();
            assert_eq!(in_path, in_template, "{method} {path}");
        }
    }

    #[test]
    fn the_limits_it_tells_of_are_the_defaults() {
        let (document, limits) = (document(), Limits::default());
        let settings = HostedSettings::new(Vec::new(), Hostname::parse("id.example.com").unwrap());
        let head = limits.max_header_bytes >> 10;
        for (place, words) in [
            ("/info/description", format!("head has at most {head} KiB")),
            ("/components/responses/HeadTooLarge/description", format!("longer than {head} KiB")),
            (
                "/paths/~1v1~1resolve/get/parameters/2/description",
                format!("{} a minute", limits.fresh_per_minute),
            ),
            ("/paths/~1v1~1resolve/post/summary", format!("Up to {} at once", limits.batch)),
            ("/paths/~1v1~1explain/get/description", format!("{} a minute", limits.explain_per_minute)),
            (
                "/paths/~1v1~1changes/get/description",
                format!("{} questions a minute", limits.changes_per_minute),
            ),
            (
                "/paths/~1v1~1independent~1accounts/post/description",
                format!("{} an hour", limits.registrations_per_hour),
            ),
            (
                "/paths/~1v1~1independent~1accounts/post/description",
                format!("at most {} KiB", settings.max_entry_bytes >> 10),
            ),
        ] {
            let said = document.pointer(place).and_then(Value::as_str).unwrap_or_default();
            assert!(said.contains(&words), "{place} says {said:?}, and should say {words:?}");
        }
    }

    #[test]
    fn it_knows_every_kind_of_problem() {
        let document = document();
        let listed: BTreeSet<&str> = document["components"]["schemas"]["ProblemName"]["enum"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        assert_eq!(listed, PROBLEM_KINDS.iter().map(|kind| kind.name).collect());
    }
}
