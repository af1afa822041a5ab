// Writes the word back that its loop waits for.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_own_word_back fuel=300 args=OWN
// result: 0 0

fn loop_own_word_back() {
    let b = buffer_mut(arg(0u));
    loop {
        store_u32(b, 0u, 0x03020100u);
        if (load_u32(b, 0u) != 0x03020100u) {
            break;
        }
    }
}
