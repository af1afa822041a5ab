// Spells names of the core in full-width letters, which some tools take for plain ones.
// expect: contained
// handler: scalar names_fullwidth args=OWN
// result: 3 0

var<private> ｒｏｔａ_fault: u32 = 3u;

fn names_fullwidth() {
    result(0u, ｒｏｔａ_fault);
}
