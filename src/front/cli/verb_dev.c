/* trunkline dev manual, completion and its hidden helper: the tables of the verbs as documents. */
#include "front/cli/cli.h"

static int run_manual(struct cli *c, struct err *err) {
    (void)err;
    help_manual(c, c->out);
    return EXIT_DONE;
}

const struct cli_verb verb_dev_manual = {
    .name = "dev manual",
    .group = CLI_DEVELOP,
    .args = "",
    .flags = CLI_NO_SERVER_OPTIONS | CLI_NO_JSON,
    .summary = "Print the manual page",
    .run = run_manual,
};

static int run_completion(struct cli *c, struct err *err) {
    (void)err;
    fputs("# bash completion for trunkline: eval \"$(trunkline completion)\"\n"
          "_trunkline() {\n"
          "    local IFS=$'\\n'\n"
          "    COMPREPLY=($(\"${COMP_WORDS[0]}\" complete "
          "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
          "}\n"
          "complete -o default -F _trunkline trunkline\n",
          c->out);
    return EXIT_DONE;
}

const struct cli_verb verb_completion = {
    .name = "completion",
    .group = CLI_MACHINE,
    .args = "",
    .flags = CLI_NO_SERVER_OPTIONS | CLI_NO_JSON,
    .summary = "Print completion for bash",
    .detail = "  eval \"$(trunkline completion)\"",
    .run = run_completion,
};

static int run_complete(struct cli *c, struct err *err) {
    (void)err;
    help_complete(c, c->args_n, c->args, c->out);
    return EXIT_DONE;
}

const struct cli_verb verb_complete = {
    .name = "complete",
    .group = CLI_HIDDEN,
    .args = "WORD...",
    .max_args = -1,
    .flags = CLI_RAW | CLI_NO_JSON,
    .summary = "Print what may follow the words",
    .run = run_complete,
};
