// Asks for rays.
// expect: rejected "global directive"
// handler: scalar attack args=OWN

enable wgpu_ray_query;

fn attack() {
    var rq: ray_query;
    result(0u, 1u);
}
