// A folder for logs, options to record there and to run again, and ways to damage a log.
#ifndef RECORDINGS_HPP
#define RECORDINGS_HPP

#include "setup.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdlib.h>
#include <string>

constexpr std::size_t cell_bytes = 128, cells_at = 8192, log_bytes = 4 << 20;

// Is gone with what is in it, unless a check fails.
class folder {
  public:
    folder() {
        unsetenv("ROTA_RECORD");
        CHECK(mkdtemp(path_) != nullptr);
    }
    ~folder() {
        std::error_code why;
        std::filesystem::remove_all(path_, why);
    }
    std::string operator/(const char *name) const { return std::string(path_) + "/" + name; }

  private:
    char path_[64] = "/tmp/rota-recordings-XXXXXX";
};

// The log's path is only read: it stays the caller's.
inline rota::runtime_options recorded(const std::string &log) {
    auto options = test_options();
    options.recorder = {log, rota::capture::full, log_bytes};
    return options;
}

inline rota::replay_options replay_of(const std::string &log) {
    rota::replay_options options;
    options.path = log;
    options.runtime = test_options();
    return options;
}

inline std::string read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    CHECK(file.is_open());
    return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void write_file(const std::string &path, const std::string &bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    CHECK(!file.fail());
}

// Puts the CRC-32C of `n` bytes at `from` to `at`.
inline void seal(std::string &log, std::size_t from, std::size_t n, std::size_t at) {
    std::uint32_t crc = 0xffffffff;
    for (std::size_t i = from; i < from + n; i++) {
        crc ^= static_cast<unsigned char>(log[i]);
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
    }
    crc = ~crc;
    std::memcpy(&log[at], &crc, sizeof crc);
}

// Where a cell is in the file.
inline std::size_t cell_of(std::uint64_t seq) {
    return cells_at + seq % ((log_bytes - cells_at) / cell_bytes) * cell_bytes;
}

#endif
