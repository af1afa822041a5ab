/* Sources of modules that no Rust caller could bring: not UTF-8, not where the pointer says, not as
 * long as they say. What a source can try beyond that is in tests/hostile. */
#include "setup.h"

static const char good[] = "fn attack() {\n}\n";

static rota_tenant *tenant;

/* Loads a source with one handler, "attack"; the message of what it fails by begins like this. */
static void load(const char *source, size_t length, rota_status wanted, const char *begins) {
    const rota_handler handler = {
        .opcode = ROTA_FIRST_OPCODE, .function = "attack", .function_len = 6};
    rota_module_options options = ROTA_MODULE_OPTIONS_INIT;
    options.source = source;
    options.source_len = length;
    options.handlers = &handler;
    options.handler_count = 1;
    rota_module module = 0;
    rota_error *why = NULL;
    EQUAL(rota_module_load(tenant, &options, &module, NULL, &why), wanted);
    CHECK(why != NULL);
    const char *message = rota_error_message(why);
    if (strncmp(message, begins, strlen(begins)) != 0) {
        fprintf(stderr, "not \"%s\":\n%s\n", begins, message);
        exit(1);
    }
    rota_error_destroy(why);
    EQUAL(module, 0);
}

/* The good source with these bytes behind it, in a comment. */
static void load_with(const char *bytes, size_t n) {
    char source[256];
    size_t length = sizeof good - 1;
    memcpy(source, good, length);
    source[length++] = '/';
    source[length++] = '/';
    memcpy(source + length, bytes, n);
    load(source, length + n, ROTA_STATUS_INVALID_MODULE, "error: the source is not UTF-8");
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    tenant = create_tenant(runtime, 0);

    load_with("\xff", 1);                   /* never a byte of UTF-8 */
    load_with("\xc0\xaf", 2);               /* a slash, longer than it has to be */
    load_with("\xe0\x80\xaf", 3);           /* the same, longer still */
    load_with("\xed\xa0\x80", 3);           /* half of a pair of surrogates */
    load_with("\xf4\x90\x80\x80", 4);       /* beyond the last character */
    load_with("\xe2\x80", 2);               /* cut off inside of a character */
    load_with("\x80 rota_fault = 0u;", 18); /* the end of a character that never began */
    load_with("\xe2\x80\xa8\xfe", 4);       /* a line separator goes before */
    load_with("f\0\xff", 3);                /* a NUL byte goes before */

    /* All bytes count, whatever C thinks of a NUL byte. */
    static const char hidden[] = "fn attack() {\n}\n\0\nfn more() {\n    rota_fault = 0u;\n}\n";
    load(hidden, sizeof hidden - 1, ROTA_STATUS_INVALID_MODULE,
         "error: the name 'rota_fault' is the kernel's own");
    load("fn attack() {\n}\nfn", 12, ROTA_STATUS_INVALID_MODULE, "error:");
    load("", 0, ROTA_STATUS_INVALID_MODULE, "error: there is no function 'attack'");
    load(NULL, 0, ROTA_STATUS_INVALID_MODULE, "error: there is no function 'attack'");
    load(NULL, 16, ROTA_STATUS_NULL_POINTER, "");
    load(good, SIZE_MAX, ROTA_STATUS_INVALID_ARGUMENT, "");

    /* 10 MB of it. */
    const size_t many = 10 << 20;
    char *large = malloc(many);
    CHECK(large != NULL);
    memset(large, ' ', many);
    memcpy(large, good, sizeof good - 1);
    load(large, many, ROTA_STATUS_INVALID_MODULE, "error: the source has 10485760 bytes");
    free(large);

    still_works(tenant);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
