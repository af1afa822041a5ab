//! The right protocol keeps its promises in every order of steps.

use rota_model::{
    explore, group_long, group_mistakes, group_short, long, mistakes, short, unvisited, Scenario,
};

const LIMIT: usize = 5_000_000;

#[test]
fn every_order_of_steps_keeps_the_promises() {
    for scenario in short() {
        let report = explore(&scenario, LIMIT);
        if let Some(found) = &report.found {
            panic!("{}: {:?}\n{}", scenario.name, found.violation, found.trace);
        }
        assert!(
            !report.cut,
            "{} has more than {LIMIT} states",
            scenario.name
        );
        assert!(report.finals > 0, "{} never ends", scenario.name);
        // A scenario in which little can happen proves little.
        assert!(
            report.states > 5_000,
            "{}: {} states",
            scenario.name,
            report.states
        );
    }
}

#[test]
fn every_place_of_the_protocol_is_visited() {
    let visited = short()
        .iter()
        .fold(0, |set, scenario| set | explore(scenario, LIMIT).visited);
    let only_in_mistakes = [
        "ResetLeaseEnd",
        "TopSecondLane",
        "LoadClosed",
        "LoadStatusLate",
        "AnnounceLate",
        "ClearOpenLate",
        "ReopenMore",
        "CloseApart",
    ];
    assert_eq!(unvisited::<Scenario>(visited), only_in_mistakes);
}

#[test]
fn an_exploration_repeats_itself() {
    let count = |scenario: &Scenario| {
        let report = explore(scenario, LIMIT);
        (report.states, report.steps, report.finals)
    };
    let scenario = &short()[1];
    assert_eq!(count(scenario), count(scenario));
}

#[test]
fn an_exploration_that_was_cut_says_so() {
    let report = explore(&short()[0], 1_000);
    assert!(report.cut && report.found.is_none());
}

#[test]
fn names_tell_scenarios_apart() {
    let mut names: Vec<&str> = Vec::new();
    names.extend(short().iter().chain(&long()).map(|scenario| scenario.name));
    names.extend(mistakes().iter().map(|(_, _, scenario)| scenario.name));
    let groups = group_short().into_iter().chain(group_long());
    names.extend(groups.map(|scenario| scenario.name));
    let groups = group_mistakes().into_iter();
    names.extend(groups.map(|(_, _, scenario)| scenario.name));
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}
