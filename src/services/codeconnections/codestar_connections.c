/* Operations of CodeStar Connections, the older name that Terraform's provider still uses. */
#include "gen/codestar_connections.h"

#define API(name) codestar_connections_##name
#define PREFIX "codestar-connections"
#include "services/codeconnections/handlers.h"
