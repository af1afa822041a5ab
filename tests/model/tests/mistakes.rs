//! The model finds every mistake, as the violation that it leads to.

use rota_model::{explore, mistakes, Scenario, Violation};

const LIMIT: usize = 5_000_000;

#[test]
fn every_mistake_is_found() {
    for (mistake, expected, scenario) in mistakes() {
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
    for (mistake, _, scenario) in mistakes() {
        let report = explore(
            &Scenario {
                mistake: None,
                only: None,
                ..scenario
            },
            LIMIT,
        );
        let found = report.found.map(|found| (found.violation, found.trace));
        assert_eq!(found, None, "{mistake:?}");
        assert!(report.finals > 0 && !report.cut, "{mistake:?}");
    }
}

#[test]
fn every_property_is_broken_by_some_mistake() {
    let found: Vec<Violation> = mistakes()
        .into_iter()
        .map(|(_, violation, _)| violation)
        .collect();
    for violation in [
        Violation::ClaimedUnpublished,
        Violation::ClaimedAfterRevoke,
        Violation::BarrierBroken,
        Violation::WrongStatus,
        Violation::RanTwice,
        Violation::RanAfterRevoke,
        Violation::RanAfterCancel,
        Violation::StaleTouch,
        Violation::WrongRights,
        Violation::Underflow,
        Violation::CompletedEarly,
        Violation::CompletedTwice,
        Violation::Overwritten,
        Violation::Torn,
        Violation::Wedge,
    ] {
        assert!(found.contains(&violation), "{violation:?} is never found");
    }
}
