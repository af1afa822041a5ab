use rota::*;
use std::time::Instant;
struct L; impl log::Log for L { fn enabled(&self,_:&log::Metadata)->bool{true} fn log(&self,r:&log::Record){eprintln!("{} {}",r.level(),r.args())} fn flush(&self){} }
fn main() { log::set_logger(&L).unwrap(); log::set_max_level(log::LevelFilter::Info);
    let t0 = Instant::now();
    let rt = Runtime::open(&RuntimeOptions { validate: std::env::var("V").is_ok(), mode: if std::env::var("B").is_ok() {Mode::Batch} else {Mode::Auto}, ..Default::default() }).unwrap_or_else(|e| panic!("{e}"));
    println!("open {:?}", t0.elapsed());
    let t = rt.create_tenant(&TenantOptions::default()).unwrap();
    let mut c = [Completion::default(); 256];
    let job = Job { opcode: op::NOP, args: [7, 9, 0, 0, 0, 0, 0, 0, 0, 0], user_data: 5, ..Default::default() };
    let (n, r) = t.submit(&[job], None);
    println!("{n} {r:?}");
    println!("poll {:?}", t.poll(&mut c, Wait::Spin, 30_000_000_000));
    println!("{:#?}", rt.info());
    println!("{:?} after {:?}", c[0], t0.elapsed());
    let first = t0.elapsed(); let mut v = vec![];
    for _ in 0..20000 { let s = Instant::now(); t.submit(&[job], None); t.poll(&mut c, Wait::Spin, 30_000_000_000).unwrap(); v.push(s.elapsed()); }
    v.sort(); println!("rtt p50 {:?} p99 {:?} max {:?}", v[v.len()/2], v[v.len()*99/100], v[v.len()-1]);
    let s = Instant::now(); let total = 3_000_000u64; let (mut sub, mut done) = (0u64, 0u64); let mut bad = 0;
    while done < total && bad < 5 {
        if sub < total { let jobs: [Job; 64] = std::array::from_fn(|i| Job { user_data: sub + i as u64, args: [(sub + i as u64) as u32, 1, 0,0,0,0,0,0,0,0], ..job }); sub += t.submit(&jobs, None).0 as u64; }
        let n = t.poll(&mut c, Wait::Spin, 0).unwrap_or(0);
        for (i, c) in c[..n].iter().enumerate() { let want = done + i as u64; if c.results[0] as u64 != c.user_data || c.user_data.abs_diff(want) > 64 { bad += 1; println!("want {want} got {c:?} (poll gave {n}, this {i}) ticket pos {}", c.ticket & 0xffffffffffff); if bad > 5 {break;} } }
        done += n as u64; }
    println!("first {:?}; {:.2} M/s", first, done as f64 / s.elapsed().as_secs_f64() / 1e6);
    println!("{:#?}", rt.info());
    rt.stop().unwrap();
    println!("stopped {:?}", t0.elapsed());
}
