//! What is selected, in which order, with which features.

use rumpgen::plan::{Origin, Plan, Reason};

use crate::harness::good;

fn check(arguments: &str, components: &str) -> Plan {
    let plan = good(arguments).plan;
    let names: Vec<&str> = plan
        .components
        .iter()
        .map(|component| &*component.name)
        .collect();
    assert_eq!(names.join(" "), components, "{arguments}");
    plan
}

#[test]
fn what_is_required_comes_along_in_start_order() {
    check("--components ground", "ground");
    check("--components alpha", "ground garden alpha");
    check("--components beta", "ground garden alpha gamma beta");
    // What provides for a component that it stands on itself starts after it.
    check("--components mill", "ground mill wheel");
}

#[test]
fn a_default_stays_where_many_provide_and_gives_way_where_one_does() {
    check(
        "--components beta,rose",
        "ground garden alpha gamma rose beta",
    );
    check(
        "--components beta,rose --without alpha",
        "ground garden gamma rose beta",
    );
    check(
        "--components beta,digger",
        "ground garden alpha digger beta",
    );
}

#[test]
fn a_component_joins_where_all_it_requires_is_there() {
    let plan = check(
        "--components alpha,mill",
        "ground garden mill alpha miller wheel",
    );
    let miller = plan.component("miller").expect("it joined");
    let because = vec!["garden".to_owned(), "mill".to_owned()];
    assert_eq!(miller.why, [Reason::Auto { because }]);
    check(
        "--components alpha,mill --without miller",
        "ground garden mill alpha wheel",
    );
}

#[test]
fn optional_groups_and_values_chosen_at_build_time_are_features() {
    let features = |arguments: &str| {
        let plan = good(arguments).plan;
        (
            plan.name.clone(),
            plan.component("rose")
                .expect("it is asked for")
                .features
                .join(" "),
        )
    };
    let is = |name: &str, features: &str| (name.to_owned(), features.to_owned());
    assert_eq!(features("--components rose"), is("host-rose", "light"));
    assert_eq!(
        features("--components rose --platform tiny"),
        is("tiny-rose", "")
    );
    let chosen = "--components rose --param colour=white --param thorns=true";
    assert_eq!(
        features(chosen),
        is("host-rose-white-thorns", "light thorns white")
    );
    let default = "--components rose --param colour=red";
    assert_eq!(features(default), is("host-rose", "light"));
}

#[test]
fn configurations_are_called_by_what_was_asked_for() {
    let name = |arguments: &str| good(arguments).plan.name;
    assert_eq!(
        name("--components beta,rose --without alpha"),
        "host-beta-rose-without-alpha"
    );
    assert_eq!(name("--components beta --param petals=7"), "host-beta");
    assert_eq!(name("--components beta --name mine"), "mine");
    assert_eq!(name("--app tests/planning/app"), "tiny-thorn-bouquet");
}

#[test]
fn a_file_beside_the_application_says_what_the_command_line_does_not() {
    let plan = good("--app tests/planning/app").plan;
    let thorn = plan.component("thorn").expect("the file asks for it");
    assert_eq!(thorn.origin, Origin::OutOfTree);
    assert_eq!(
        plan.request.app.as_ref().map(|app| &*app.package),
        Some("bouquet")
    );
    let value = |plan: &Plan, name: &str| {
        let param = plan.params.iter().find(|param| param.name == name);
        param.map(|param| param.effective().to_owned())
    };
    assert_eq!(value(&plan, "petals").as_deref(), Some("8"));
    let arguments = "--app tests/planning/app --platform host --components alpha --param petals=9";
    let plan = good(arguments).plan;
    assert_eq!(plan.name, "host-alpha-bouquet");
    assert_eq!(value(&plan, "petals").as_deref(), Some("9"));
}

#[test]
fn a_plan_survives_its_file() {
    let plan = good("--components beta,rose,mill --param petals=7").plan;
    let text = plan.to_json();
    assert_eq!(Plan::from_json(&text).expect("this is a plan"), plan);
    assert_eq!(
        good("--components beta,rose,mill --param petals=7")
            .plan
            .to_json(),
        text
    );
}
