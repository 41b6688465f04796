/* The program's entry: the table of verbs, handed to the command line. */
#include "front/cli/cli.h"

#define VERB(name) extern const struct cli_verb verb_##name;
#include "front/cli/verbs.def"
#undef VERB

static const struct cli_verb *const verbs[] = {
#define VERB(name) &verb_##name,
#include "front/cli/verbs.def"
#undef VERB
};

int main(int argc, char **argv) {
    return cli_main(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
