//! Exclusion groups: the right protocol keeps its promises, and the model finds every mistake.

use rota_model::{
    explore, group_mistakes, group_short, unvisited, GroupMistake, GroupScenario, Violation,
};

const LIMIT: usize = 5_000_000;

#[test]
fn every_order_of_steps_keeps_the_promises() {
    let mut visited = 0;
    for scenario in group_short() {
        let report = explore(&scenario, LIMIT);
        if let Some(found) = &report.found {
            panic!("{}: {:?}\n{}", scenario.name, found.violation, found.trace);
        }
        assert!(!report.cut && report.finals > 0, "{}", scenario.name);
        // A scenario in which little can happen proves little.
        assert!(
            report.states > 15_000,
            "{}: {} states",
            scenario.name,
            report.states
        );
        visited |= report.visited;
    }
    let only_in_mistakes = ["LeaveEarly", "LeaveAnyway"];
    assert_eq!(unvisited::<GroupScenario>(visited), only_in_mistakes);
}

#[test]
fn every_mistake_is_found() {
    for (mistake, expected, scenario) in group_mistakes() {
        let report = explore(&scenario, LIMIT);
        let Some(found) = report.found else {
            panic!("{mistake:?}: not found in {} states", report.states);
        };
        assert_eq!(found.violation, expected, "{mistake:?}:\n{}", found.trace);
        assert!(!found.trace.is_empty(), "{mistake:?}");
    }
}

/// Otherwise the scenario, and not the mistake, would be what is wrong.
#[test]
fn the_same_scenario_without_the_mistake_is_right() {
    for (mistake, _, scenario) in group_mistakes() {
        let right = GroupScenario {
            mistake: None,
            only: None,
            ..scenario
        };
        let report = explore(&right, LIMIT);
        let found = report.found.map(|found| (found.violation, found.trace));
        assert_eq!(found, None, "{mistake:?}");
        assert!(report.finals > 0 && !report.cut, "{mistake:?}");
    }
}

#[test]
fn every_property_is_broken_by_some_mistake() {
    let cases = group_mistakes();
    for violation in [
        Violation::RanBeside,
        Violation::GroupHeld,
        Violation::NeverBeside,
        Violation::CompletedTwice,
        Violation::Underflow,
        Violation::Wedge,
    ] {
        let found = cases.iter().any(|case| case.1 == violation);
        assert!(found, "{violation:?} is never found");
    }
}

/// The way to a violation names both sides of it.
#[test]
fn a_way_shows_the_groups_word() {
    let (_, _, scenario) = group_mistakes()
        .into_iter()
        .find(|case| case.0 == GroupMistake::LeaveStoresZero)
        .expect("it is in the list");
    let found = explore(&scenario, LIMIT).found.expect("it is found");
    assert!(found.trace.contains("holder 1 -> 0"), "{}", found.trace);
    assert!(found.trace.contains("takes the group"), "{}", found.trace);
}
