/* Every status, completion status and fault has a name of its own and a text; unknown numbers are
 * told to be unknown. */
#include "check.h"

static const char *of_status(uint32_t value) { return rota_status_name((int32_t)value); }

static void distinct(const char *(*name)(uint32_t), uint32_t first, uint32_t last,
                     const char *prefix) {
    const char *unknown = name(0xfff0);
    CHECK(unknown != NULL && unknown[0] != 0);
    for (uint32_t i = first; i <= last; i++) {
        CHECK(name(i) != NULL && strncmp(name(i), prefix, strlen(prefix)) == 0);
        CHECK(strcmp(name(i), unknown) != 0);
        for (uint32_t j = first; j < i; j++)
            CHECK(strcmp(name(i), name(j)) != 0);
    }
    CHECK(strcmp(name(last + 1), unknown) == 0);
}

static const char *of_buffer_event(uint32_t event) {
    return rota_event_name(ROTA_RECORD_BUFFER, event);
}

int main(void) {
    distinct(of_status, ROTA_STATUS_OK, ROTA_STATUS_NOT_REPLAYABLE, "ROTA_STATUS_");
    distinct(rota_completion_status_name, ROTA_COMPLETION_OK, ROTA_COMPLETION_DEVICE_LOST,
             "ROTA_COMPLETION_");
    distinct(rota_fault_name, ROTA_FAULT_NONE, ROTA_FAULT_INVALID_DATA, "ROTA_FAULT_");
    distinct(rota_resource_name, ROTA_RESOURCE_SLOTS, ROTA_RESOURCE_FUEL_PER_SECOND,
             "ROTA_RESOURCE_");
    distinct(rota_record_name, ROTA_RECORD_END, ROTA_RECORD_NOTE, "ROTA_RECORD_");
    distinct(rota_record_name, ROTA_RECORD_VOID, ROTA_RECORD_UNKNOWN, "ROTA_RECORD_");
    distinct(of_buffer_event, ROTA_EVENT_BUFFER_CREATED, ROTA_EVENT_BUFFER_IMPORTED,
             "ROTA_EVENT_BUFFER_");
    distinct(rota_outcome_name, ROTA_REPLAY_SAME, ROTA_REPLAY_NOT_COMPARABLE, "ROTA_REPLAY_");
    CHECK(strcmp(rota_status_name(ROTA_STATUS_NO_DRIVER), "ROTA_STATUS_NO_DRIVER") == 0);
    CHECK(strcmp(rota_fault_name(ROTA_FAULT_READ_ONLY), "ROTA_FAULT_READ_ONLY") == 0);

    const int32_t statuses[] = {ROTA_STATUS_OK, ROTA_STATUS_NOT_REPLAYABLE, -1, INT32_MIN,
                                INT32_MAX};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        CHECK(rota_status_name(statuses[i]) != NULL && rota_status_name(statuses[i])[0] != 0);
        CHECK(rota_status_text(statuses[i]) != NULL && rota_status_text(statuses[i])[0] != 0);
    }
    for (int32_t i = ROTA_STATUS_OK; i <= ROTA_STATUS_NOT_REPLAYABLE; i++)
        for (int32_t j = ROTA_STATUS_OK; j < i; j++)
            CHECK(strcmp(rota_status_text(i), rota_status_text(j)) != 0);
    const uint32_t faults[] = {ROTA_FAULT_NONE, ROTA_FAULT_INVALID_DATA, 0x10000, 0x12345,
                               UINT32_MAX};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        CHECK(rota_fault_name(faults[i]) != NULL && rota_fault_name(faults[i])[0] != 0);
        CHECK(rota_fault_text(faults[i]) != NULL && rota_fault_text(faults[i])[0] != 0);
    }
    CHECK(strcmp(rota_fault_name(0x10007), "ROTA_FAULT_HANDLER") == 0); /* a handler's own code */

    /* The version as a number and as text say the same. */
    char text[64];
    uint32_t version = rota_version();
    snprintf(text, sizeof text, "%u.%u.%u", version >> 16, (version >> 8) & 255, version & 255);
    CHECK(strcmp(text, rota_version_text()) == 0);
    return 0;
}
