// Hands pointers to local and private variables about, two of them to one variable.
// expect: contained
// handler: scalar feature_pointer_parameters args=OWN
// result: any

var<private> shared_one: u32 = 1u;

fn both(a: ptr<private, u32>, b: ptr<private, u32>) -> u32 {
    *a = 5u;
    *b += 1u;
    return *a;
}

fn feature_pointer_parameters() {
    result(0u, both(&shared_one, &shared_one));
}
