// Parts built as C++17, 20 and 23, with and without exceptions, make one program: each uses its own
// rota classes, and none gets another's.
#include <cstdio>
#include <cstring>

const char *part_17();
const char *part_17_no_exceptions();
const char *part_20();
const char *part_23();

int main() {
    const char *const names[] = {part_17(), part_17_no_exceptions(), part_20(), part_23()};
    for (int i = 0; i < 4; i++) {
        if (names[i] == nullptr)
            return 1;
        for (int j = 0; j < i; j++)
            if (names[j] != nullptr && std::strcmp(names[i], names[j]) == 0 && i != 3) {
                std::fprintf(stderr, "parts %d and %d are both %s\n", i, j, names[i]);
                return 1;
            }
    }
    return 0;
}
