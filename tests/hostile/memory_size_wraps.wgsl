// Has an array of so many words that its size wraps to 0.
// expect: rejected "Size exceeds limit"
// handler: scalar attack args=OWN

fn attack() {
    var a: array<u32, 0x40000000>;
    result(0u, a[arg(0u)]);
}
