/* Operations of CodeConnections. */
#include "gen/codeconnections.h"

#define API(name) codeconnections_##name
#define PREFIX "codeconnections"
#include "services/codeconnections/handlers.h"
