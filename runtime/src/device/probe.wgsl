// The probe: what the specification doesn't promise, tried out when the device is opened.
//
// With mode 0 one lane counts to `rounds`, to find a driver that cuts loops short. With mode 1 the worker answers
// messages while it runs: the host writes payload and then stamp, the device checks the payload that it sees with the
// stamp, and answers with a record whose stamp is its last component.

struct Message { payload: array<u32, 15>, stamp: atomic<u32> }
struct Push { mode: u32, rounds: u32 }
var<immediate> push: Push;
@group(0) @binding(0) @coherent @volatile var<storage, read_write> message: Message;
@group(0) @binding(1) @coherent @volatile var<storage, read_write> answers: array<vec4<u32>>;

@compute @workgroup_size(LANES)
fn main(@builtin(subgroup_invocation_id) lane: u32) {
    if (push.mode == 0u) {
        var n = 0u;
        loop {
            if (n >= push.rounds) {
                break;
            }
            n += 1u;
        }
        if (lane == 0u) {
            answers[0] = vec4<u32>(n, 0u, 0u, 1u);
        }
        return;
    }
    var seen = 0u;
    var torn = 0u;
    var stop = false;
    var n = 0u;
    loop {
        var stamp = 0u;
        if (lane == 0u) {
            stamp = atomicLoad(&message.stamp);
        }
        stamp = subgroupBroadcastFirst(stamp);
        if (n >= push.rounds || stamp == 0xffffffffu) {
            break;
        }
        n += 1u;
        if (stamp != seen) {
            storageBarrier();
            if (lane == 0u) {
                for (var i = 0u; i < 15u; i += 1u) {
                    if (message.payload[i] != stamp + i) {
                        torn += 1u;
                    }
                }
                n += 15u;
            }
            n = subgroupBroadcastFirst(n);
            storageBarrier();
            if (lane == 0u) {
                answers[1u + (stamp & 1u)] = vec4<u32>(stamp, torn, ~stamp, stamp);
            }
            seen = stamp;
        }
    }
    if (lane == 0u) {
        answers[0] = vec4<u32>(n, torn, seen, 1u);
    }
}
