// The one place that toml++ is compiled in (its README, "Configuration").
#define TOML_IMPLEMENTATION
#include <toml++/toml.h>
