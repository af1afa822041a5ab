// Asks for more fuel than a job can have.
// expect: refused INVALID_ARGUMENT
// handler: scalar loop_asks_for_too_much_fuel fuel=0xffffffff args=OWN

fn loop_asks_for_too_much_fuel() {
    for (;;) {
    }
}
