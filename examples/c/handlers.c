/* Loads a handler from a file of WGSL, hashes files with it, and prints what sha256sum would.
 *
 *     handlers examples/handlers/sha256.wgsl FILE...
 *
 * Up to 64 files at a time, each by a lane of its own. Round by round one job gets the next 64 KiB
 * of each; the buffer of digests keeps how far they are. The head of sha256.wgsl tells of its
 * arguments. */
#include <errno.h>
#include <rota/rota.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 64, PIECE_BYTES = 65536, BLOCK_BYTES = 64, DIGEST_BYTES = 32, SHA256 = 0x1000 };

static rota_error *error; /* written by a call that fails; the caller owns it */

static void must(rota_status status) {
    if (status == ROTA_STATUS_OK)
        return;
    fprintf(stderr, "%s\n", error ? rota_error_message(error) : rota_status_text(status));
    rota_error_destroy(error);
    exit(1);
}

static void load_module(rota_tenant *tenant, const char *path) {
    static char source[(256 << 10) + 1]; /* longer than any module may be */
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(source, 1, sizeof source, file) : 0;
    if (!file || ferror(file)) {
        fprintf(stderr, "handlers: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    fclose(file);

    rota_handler handler = {.opcode = SHA256, .kind = ROTA_HANDLER_TILED};
    handler.function = "sha256";
    handler.function_len = strlen(handler.function);
    rota_module_options options = ROTA_MODULE_OPTIONS_INIT;
    options.label = path; /* what messages about the source begin with */
    options.label_len = strlen(path);
    options.source = source;
    options.source_len = length;
    options.handlers = &handler;
    options.handler_count = 1;
    rota_module module;
    must(rota_module_load(tenant, &options, &module, NULL, &error));
}

/* What the handler is told about the next bytes of a file. */
struct piece {
    uint32_t first, bytes, blocks_before, is_last;
};

struct hasher {
    rota_tenant *tenant;
    uint32_t lanes;
    rota_buffer data, pieces, digests;
    /* The same, as this program sees them. */
    uint8_t *text, *digest;
    struct piece *piece;
};

static void *new_buffer(rota_tenant *tenant, uint64_t bytes, rota_buffer *buffer) {
    void *memory;
    must(rota_buffer_create(tenant, bytes, 0, buffer, &error));
    must(rota_buffer_map(tenant, *buffer, &memory, &bytes, &error));
    return memory;
}

/* Fills in the next piece of a file, and closes one that is through. Returns whether there is one.
 */
static bool next_piece(struct hasher *h, uint32_t i, FILE **file, int *failed) {
    struct piece *piece = &h->piece[i];
    if (*file && piece->is_last) {
        fclose(*file);
        *file = NULL;
    }
    piece->blocks_before += piece->bytes / BLOCK_BYTES;
    piece->bytes = 0;
    piece->is_last = 0;
    if (*file) {
        piece->bytes = (uint32_t)fread(h->text + piece->first, 1, PIECE_BYTES, *file);
        piece->is_last = piece->bytes < PIECE_BYTES;
        *failed = ferror(*file) ? errno : 0;
    } else {
        piece->blocks_before |= 1; /* no bytes, no end, and no beginning: nothing to hash */
    }
    return *file != NULL;
}

static void run(struct hasher *h, uint32_t count) {
    uint32_t tiles = (count + h->lanes - 1) / h->lanes;
    rota_job job = {.opcode = SHA256, .tiles = tiles, .args = {h->data, h->pieces, h->digests}};
    job.args[3] = count;
    job.args[5] = PIECE_BYTES / BLOCK_BYTES + 1; /* blocks: all, and one for what ends a message */
    rota_ticket ticket;
    rota_completion done;
    size_t accepted;
    must(rota_submit(h->tenant, &job, 1, &ticket, &accepted, &error));
    must(rota_wait(h->tenant, ticket, ROTA_WAIT_ADAPTIVE, ROTA_FOREVER, &done, &error));
    if (done.status != ROTA_COMPLETION_OK) {
        fprintf(stderr, "handlers: %s: %s\n", rota_completion_status_name(done.status),
                rota_fault_text(done.fault));
        exit(1);
    }
}

/* Hashes up to FILES files and prints their digests. Returns whether all could be read. */
static bool hash(struct hasher *h, char **paths, uint32_t count) {
    FILE *files[FILES];
    int failed[FILES] = {0};
    for (uint32_t i = 0; i < count; i++) {
        h->piece[i] = (struct piece){.first = i * PIECE_BYTES};
        files[i] = fopen(paths[i], "rb");
        failed[i] = files[i] ? 0 : errno;
    }
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < count; i++)
            more |= next_piece(h, i, &files[i], &failed[i]);
        if (more)
            run(h, count);
    }
    bool good = true;
    for (uint32_t i = 0; i < count; i++) {
        for (int byte = 0; byte < DIGEST_BYTES && !failed[i]; byte++)
            printf("%02x", h->digest[i * DIGEST_BYTES + byte]);
        if (!failed[i])
            printf("  %s\n", paths[i]);
        else
            fprintf(stderr, "handlers: %s: %s\n", paths[i], strerror(failed[i]));
        good = good && !failed[i];
    }
    return good;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: handlers sha256.wgsl FILE...\n");
        return 2;
    }
    rota_runtime *runtime;
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    struct hasher h;
    must(rota_runtime_open(NULL, &runtime, &error));
    must(rota_runtime_get_info(runtime, &info, &error));
    must(rota_tenant_create(runtime, NULL, &h.tenant, &error));
    load_module(h.tenant, argv[1]);
    h.lanes = info.subgroup_size;
    h.text = new_buffer(h.tenant, FILES * PIECE_BYTES, &h.data);
    h.piece = new_buffer(h.tenant, FILES * sizeof(struct piece), &h.pieces);
    h.digest = new_buffer(h.tenant, FILES * DIGEST_BYTES, &h.digests);
    bool good = true;
    for (int i = 2; i < argc; i += FILES)
        good &= hash(&h, argv + i, (uint32_t)(argc - i < FILES ? argc - i : FILES));
    must(rota_runtime_destroy(runtime, &error)); /* and its tenant, with module and buffers */
    return good ? 0 : 1;
}
