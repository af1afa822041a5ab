// Spells the variable that holds fuel with a Cyrillic letter: it is another one.
// expect: fault FUEL_EXHAUSTED
// handler: scalar names_cyrillic fuel=100 args=OWN
// result: 0 0

var<private> rоta_fuel: u32;

fn names_cyrillic() {
    loop {
        rоta_fuel = 0xffffffffu;
        if (rоta_fuel == 0u) {
            break;
        }
    }
}
