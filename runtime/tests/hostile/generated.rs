//! Sources that are too large, too deep or too odd for a file. They speak for themselves as files do.

use crate::corpus::Case;

/// Bytes that a module may have.
const MOST: usize = 256 << 10;

fn rejected(name: &str, tries: &str, part: &str, body: &str) -> Case {
    Case::new(
        name.into(),
        format!(
            "// {tries}\n// expect: rejected \"{part}\"\n// handler: scalar attack args=OWN\n\n{body}"
        ),
    )
}

/// The handler of `name`, whose body sets result 0 to an expression.
fn gives(expression: &str) -> String {
    format!("fn attack() {{\n    let x = arg(1u);\n    result(0u, {expression});\n}}\n")
}

fn many(n: usize, text: impl Fn(usize) -> String) -> String {
    (0..n).map(text).collect()
}

pub fn cases() -> Vec<Case> {
    let x = |n: usize, text: &str| text.repeat(n);
    let mut cases = vec![
        // Size.
        rejected(
            "made_10_megabytes",
            "Brings 10 MB of source.",
            "262144",
            &(x(10 << 14, "// nothing, and more of it, and so on: 64 bytes for every line.\n") + &gives("1u")),
        ),
        rejected(
            "made_all_brackets",
            "Brings nothing but opening brackets.",
            "brackets nest deeper",
            &x(200_000, "("),
        ),
        rejected("made_all_nul", "Brings nothing but NUL bytes.", "more than 16384 tokens", &x(200_000, "\0")),
        rejected("made_all_marks", "Brings nothing but byte order marks.", "more than 16384 tokens", &x(80_000, "\u{feff}")),
        rejected("made_all_digits", "Brings a number of 200,000 digits.", "too long", &gives(&(x(200_000, "7") + "u"))),
        rejected("made_all_attributes", "Brings nothing but the beginnings of attributes.", "more than 16384 tokens", &x(200_000, "@")),
        rejected("made_all_functions", "Brings nothing but the word fn.", "more than 16384 tokens", &x(80_000, "fn ")),
        rejected(
            "made_all_semicolons",
            "Brings nothing but semicolons, which WGSL allows.",
            "attack",
            &x(200_000, ";"),
        ),
        rejected(
            "made_comments_nested",
            "Nests 60,000 comments, and closes all but one.",
            "comment",
            &(x(60_000, "/*") + &x(59_999, "*/") + &gives("1u")),
        ),
        rejected(
            "made_name_of_100_kb",
            "Brings a name of 100,000 letters.",
            "too long",
            &format!("fn {0}() -> u32 {{\n    return 1u;\n}}\n{1}", x(100_000, "a"), gives(&(x(100_000, "a") + "()"))),
        ),
        rejected(
            "made_functions",
            "Brings 257 functions.",
            "functions",
            &(many(256, |n| format!("fn part{n}() {{\n}}\n")) + &gives("1u")),
        ),
        rejected(
            "made_statements",
            "Brings a handler of 7,000 statements.",
            "expressions and statements",
            &format!(
                "fn attack() {{\n    var x = arg(1u);\n{}    result(0u, x);\n}}\n",
                x(7_000, "    x = x * 3u + 1u;\n")
            ),
        ),
        rejected(
            "made_switch",
            "Brings a switch of 10,000 cases.",
            "expressions and statements",
            &format!(
                "fn attack() {{\n    switch arg(1u) {{\n{}        default: {{ }}\n    }}\n}}\n",
                many(10_000, |n| format!("case {n}: {{ fail(1u); }}\n"))
            ),
        ),
        rejected(
            "made_switch_twice",
            "Brings a switch in which two cases are the same.",
            "Multiple `switch` cases",
            "fn attack() {\n    switch arg(1u) {\n        case 1u: { }\n        case 1u: { fail(1u); }\n        default: { }\n    }\n}\n",
        ),
        // Depth.
        rejected(
            "made_parentheses",
            "Nests 10,000 pairs of parentheses.",
            "brackets nest deeper",
            &gives(&(x(10_000, "(") + "x" + &x(10_000, ")"))),
        ),
        rejected(
            "made_blocks",
            "Nests 10,000 blocks.",
            "brackets nest deeper",
            &format!("fn attack() {{ {}{} }}\n", x(10_000, "{"), x(10_000, "}")),
        ),
        rejected(
            "made_blocks_few",
            "Nests 100 blocks with something in each.",
            "nest",
            &format!("fn attack() {{ var x = arg(1u); {}{} }}\n", x(100, "{ x += 1u; "), x(100, "}")),
        ),
        rejected(
            "made_branches",
            "Nests 100 branches.",
            "nest",
            &format!("fn attack() {{ {}{} }}\n", x(100, "if (arg(1u) != 9u) { "), x(100, "}")),
        ),
        rejected(
            "made_loops",
            "Nests 100 loops.",
            "nest",
            &format!("fn attack() {{ {}{} }}\n", x(100, "while (arg(1u) == 9u) { "), x(100, "}")),
        ),
        rejected(
            "made_else_if",
            "Goes on with else if, 3,000 times.",
            "statements nest deeper",
            &format!(
                "fn attack() {{ if (arg(1u) == 1u) {{ }} {} }}\n",
                many(3_000, |n| format!("else if (arg(1u) == {n}u) {{ fail(1u); }} "))
            ),
        ),
        rejected(
            "made_types",
            "Nests 3,000 array types.",
            "internal WGSL front end error",
            &format!("var<private> a: {}u32{};\n{}", x(3_000, "array<"), x(3_000, ", 1>"), gives("1u")),
        ),
        rejected(
            "made_vectors",
            "Nests vector types, which there are none of.",
            "unknown scalar type",
            &format!("var<private> a: {}u32{};\n{}", x(100, "vec2<"), x(100, ">"), gives("1u")),
        ),
        rejected(
            "made_less_than",
            "Compares 8,000 times, which could all be the beginnings of templates.",
            "is invalid",
            &gives(&(x(8_000, "x < ") + "x")),
        ),
        rejected("made_members", "Names members of members, 8,000 times.", "invalid field accessor", &gives(&("x".to_string() + &x(8_000, ".x")))),
        rejected("made_indices", "Indexes what was indexed, 5,000 times.", "Invalid access", &gives(&("x".to_string() + &x(5_000, "[0]")))),
        rejected("made_shifts", "Ends templates that never began.", "expected expression", &gives(&("x".to_string() + &x(3_000, ">> >= >")))),
        rejected(
            "made_calls_nested",
            "Calls a function on its own result, 1,000 deep.",
            "brackets nest deeper",
            &gives(&(x(1_000, "min(x, ") + "x" + &x(1_000, ")"))),
        ),
        rejected(
            "made_sum_of_constants",
            "Adds up 9,000 constants in one expression.",
            "tokens",
            &gives(&("1u".to_string() + &x(9_000, " + 1u"))),
        ),
        rejected(
            "made_strings",
            "Brings text in quotation marks, with ends of comments in it.",
            "expected expression",
            "fn attack() {\n    let x = \"/* \"; rota_fault = 0u; // */\n}\n",
        ),
        // What WGSL's compiler works out by itself.
        rejected(
            "made_let_doubling",
            "Doubles an array twenty-four times in a function.",
            "a value may have at most",
            &format!(
                "fn attack() {{\n    let a0 = array<u32, 2>(arg(1u), 1u);\n{}    let e = a24;\n    result(0u, a24{});\n}}\n",
                many(24, |n| format!("    let a{} = array(a{n}, a{n});\n", n + 1)),
                x(25, "[1]")
            ),
        ),
        rejected(
            "made_const_struct_doubling",
            "Doubles a constant struct twenty-four times.",
            "constant",
            &format!(
                "struct S0 {{\n    a: u32,\n    b: u32,\n}}\nconst c0 = S0(1u, 2u);\n{}{}",
                many(24, |n| format!(
                    "struct S{m} {{\n    a: S{n},\n    b: S{n},\n}}\nconst c{m} = S{m}(c{n}, c{n});\n",
                    m = n + 1
                )),
                gives(&("c24".to_string() + &x(24, ".a") + ".b"))
            ),
        ),
        rejected(
            "made_constants",
            "Brings 9,000 constants, each made of the next, the last of nothing.",
            "no definition in scope",
            &(many(9_000, |n| format!("const c{n} = c{}+1;\n", n + 1)) + &gives("u32(c0)")),
        ),
        rejected(
            "made_spills",
            "Indexes 400 arrays that are values, which compilers put into memory to do so: 1.6 MB in every lane.",
            "bytes",
            &format!(
                "fn attack() {{\n    let x = arg(1u);\n    var sum = 0u;\n{}    result(0u, sum);\n}}\n",
                many(400, |n| format!("    let a{n} = array<u32, 1000>();\n    sum += a{n}[x] + x;\n"))
            ),
        ),
        rejected(
            "made_table_uses",
            "Uses a constant table of 1,000 words 9,000 times: compilers copy it for each use.",
            "constants",
            &format!(
                "const TABLE = array<u32, 1000>({});\nfn attack() {{\n    var x = arg(1u);\n{}    result(0u, x);\n}}\n",
                x(1_000, "1u,"),
                x(9_000, "    x += TABLE[x];\n")
            ),
        ),
    ];

    // What is just small enough, and a byte more.
    for (name, verdict, bytes) in [
        ("made_filled", "contained", MOST),
        ("made_overfilled", "rejected \"262144\"", MOST + 1),
    ] {
        let start = format!(
            "// Fills the source with {bytes} bytes.\n// expect: {verdict}\n// handler: scalar {name} args=OWN\n\nfn {name}() {{\n}}\n/*"
        );
        let stars = x(bytes - start.len() - 2, "*");
        cases.push(Case::new(name.into(), start + &stars + "*/"));
    }

    // Deep, but no deeper than what is read.
    let goes = |name: &str, tries: &str, result: u32, declared: &str, body: &str| {
        Case::new(
            name.into(),
            format!(
                "// {tries}\n// expect: contained\n// handler: scalar {name} args=OWN,2\n// result: {result} 0\n\n{declared}fn {name}() {{\n    let x = arg(1u);\n{body}}}\n"
            ),
        )
    };
    let chain = |name: &str, tries: &str, result: u32, expression: String| {
        goes(
            name,
            tries,
            result,
            "",
            &format!("    result(0u, {expression});\n"),
        )
    };
    cases.extend([
        chain(
            "made_not",
            "Negates a truth 16,000 times.",
            1,
            format!("select(0u, 1u, {}(x == 2u))", x(16_000, "!")),
        ),
        chain(
            "made_complement",
            "Inverts a number 16,000 times.",
            2,
            x(16_000, "~") + "x",
        ),
        chain(
            "made_minus",
            "Negates a number 8,000 times.",
            2,
            format!("bitcast<u32>({}bitcast<i32>(x))", x(8_000, "- ")),
        ),
        goes(
            "made_pointers",
            "Takes an address and goes back, 8,000 times.",
            3,
            "",
            &format!(
                "    var v = x + 1u;\n    v = {}v;\n    result(0u, v);\n",
                x(8_000, "*&")
            ),
        ),
        chain(
            "made_sum",
            "Adds up 8,000 numbers in one expression.",
            16_000,
            "x".to_string() + &x(7_999, " + x"),
        ),
        goes(
            "made_const_doubling",
            "Doubles a constant array twelve times in a function, and takes one word of it.",
            1,
            "",
            &format!(
                "    const a0 = array<u32, 2>(1u, 1u);\n{}    result(0u, a12{});\n",
                many(12, |n| format!(
                    "    const a{} = array(a{n}, a{n});\n",
                    n + 1
                )),
                x(13, "[1]")
            ),
        ),
        goes(
            "made_const_sum_doubling",
            "Doubles an expression of constants twelve times.",
            0,
            &format!(
                "const d0 = vec4<i32>(0, 0, 0, 0);\n{}",
                many(12, |n| format!("const d{} = d{n} + d{n};\n", n + 1))
            ),
            "    result(0u, bitcast<u32>(d12.x));\n",
        ),
        goes(
            "made_assert_doubling",
            "Asserts something about an array that was doubled twelve times.",
            0,
            &format!(
                "const e0 = array<u32, 2>(1u, 1u);\n{}const_assert e12{} == 1u;\n",
                many(12, |n| format!("const e{} = array(e{n}, e{n});\n", n + 1)),
                x(13, "[1]")
            ),
            "    result(0u, x - 2u);\n",
        ),
        goes(
            "made_constant_chain",
            "Makes 5,000 constants, each of the next.",
            5_001,
            &(many(5_000, |n| format!("const c{n} = c{}+1;\n", n + 1)) + "const c5000 = 1;\n"),
            "    result(0u, u32(c0));\n",
        ),
    ]);
    cases.push(Case::new(
        "made_call_chain".into(),
        format!(
            "// Calls through 250 functions.\n// expect: contained\n// alone\n// handler: scalar made_call_chain args=OWN,1\n// result: 251 0\n\n\
             fn link0(x: u32) -> u32 {{\n    return x;\n}}\n{}\
             fn made_call_chain() {{\n    result(0u, link250(arg(1u)));\n}}\n",
            many(250, |n| format!(
                "fn link{}(x: u32) -> u32 {{\n    return link{n}(x) + 1u;\n}}\n",
                n + 1
            ))
        ),
    ));
    cases
}
