// Tries small numbers and table indices as handles, for rings, records and tables.
// expect: fault INVALID_BUFFER|FOREIGN_BUFFER
// handler: scalar buffer_of_the_kernel args=1
// handler: scalar buffer_of_the_kernel args=2
// handler: scalar buffer_of_the_kernel args=3
// handler: scalar buffer_of_the_kernel args=7
// handler: scalar buffer_of_the_kernel args=0x10000
// handler: scalar buffer_of_the_kernel args=0x20000
// handler: scalar buffer_of_the_kernel args=0x0000ffff
// handler: scalar buffer_of_the_kernel args=0xffff0000
// handler: scalar buffer_of_the_kernel args=0xffffffff
// handler: scalar buffer_of_the_kernel args=0x80000001

fn buffer_of_the_kernel() {
    let b = buffer_mut(arg(0u));
    result(0u, load_u32(b, 0u) | load_u32(b, 1u));
    result(1u, size(b));
    store_u32(b, 0u, 0u);
}
