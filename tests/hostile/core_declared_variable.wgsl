// Declares the variable that holds fuel.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

var<private> rota_fuel: u32 = 0xffffffffu;

fn attack() {
    loop {
        if (rota_fuel == 0u) {
            break;
        }
    }
}
