// Uses the zero values of structs and arrays that hold buffers.
// expect: fault READ_ONLY|OUT_OF_BOUNDS
// handler: scalar forge_zero_value_nested args=OWN
// handler: scalar forge_zero_value_nested args=OWN,3

struct Box {
    before: u32,
    row: array<Buffer, 4>,
    after: u32,
}

var<private> boxes: array<Box, 2>;

fn forge_zero_value_nested() {
    var box = Box();
    box.before = 0xffffffffu;
    box.after = 0xffffffffu;
    boxes[0].after = 0xffffffffu;
    boxes[1].before = 0xffffffffu;
    store_u32(box.row[arg(1u)], 0u, 0xdeadbeefu);
    store_u32(boxes[1].row[arg(1u)], 0u, 0xdeadbeefu);
    result(0u, load_u32(boxes[0].row[3], 0u));
    result(1u, size(box.row[arg(1u)]) | size(boxes[1].row[0]));
}
