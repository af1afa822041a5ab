// Loads four bytes from beyond the end: zeros, and of the last bytes only those that are the buffer's.
// expect: contained
// handler: scalar bounds_load_bytes args=OWN,256
// result: 0 0
// handler: scalar bounds_load_bytes args=OWN,255
// result: 255 0
// handler: scalar bounds_load_bytes args=OWN,253
// result: 16776957 0
// handler: scalar bounds_load_bytes args=OWN,0xffffffff
// result: 0 0
// handler: scalar bounds_load_bytes args=OWN,0xfffffffd
// result: 0 0
// handler: scalar bounds_load_bytes args=OWN,0x80000000
// result: 0 0
// handler: scalar bounds_load_bytes args=OWN,0x40000000
// result: 0 0
// handler: scalar bounds_load_bytes args=ODD,5
// result: 0 0
// handler: scalar bounds_load_bytes args=ODD,4
// result: 4 0
// handler: scalar bounds_load_bytes args=ODD,3
// result: 1027 0
// handler: scalar bounds_load_bytes args=ODD,2
// result: 262914 0
// handler: scalar bounds_load_bytes args=ODD,0xfffffffe
// result: 0 0

fn bounds_load_bytes() {
    result(0u, load_bytes(buffer(arg(0u)), arg(1u)));
}
