// Device memory can't hold what has a destructor.
// Refused with: trivially copyable
#include <rota/rota.hpp>

#include <string>
#ifdef WRONG
using element = std::string;
#else
using element = char;
#endif
std::size_t size(const rota::buffer<element> &buffer);
std::size_t size(const rota::buffer<element> &buffer) { return buffer.size(); }
