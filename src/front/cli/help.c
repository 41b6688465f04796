/* Help, manual and completion, all out of the verbs' tables; cli.h. */
#include "front/cli/cli.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 92 };

static const char *const groups[CLI_GROUPS] = {
    [CLI_RELEASE] = "Releases",     [CLI_BUILD] = "Builds",           [CLI_ACCOUNT] = "Accounts",
    [CLI_MACHINE] = "This machine", [CLI_DEVELOP] = "For developers",
};

const char *help_group_name(enum cli_group group) {
    return groups[group];
}

void help_all(const struct cli *c, FILE *out) {
    fputs("usage: trunkline VERB [options] [arguments]\n", out);
    for (int group = 0; group < CLI_HIDDEN; group++) {
        fprintf(out, "\n%s\n", groups[group]);
        for (size_t i = 0; i < c->verbs_n; i++) {
            if (c->verbs[i]->group == (enum cli_group)group) {
                fprintf(out, "  %-20s %s\n", c->verbs[i]->name, c->verbs[i]->summary);
            }
        }
    }
    fputs("\nEach verb has --help.\n"
          "Exit status: 0 done, 1 failed, 2 wrong usage, 3 stopped or superseded, 4 waits for\n"
          "approval, 5 cannot reach the server.\n",
          out);
}

static void option_name(const struct cli_option *o, char *text, size_t n) {
    char letter[5] = "    ";
    if (o->letter) {
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    }
    snprintf(text, n, "%s--%s%s%s", letter, o->name, o->value ? " " : "", o->value ? o->value : "");
}

static bool has_option(const struct cli_option *table, const char *name) {
    for (const struct cli_option *o = table; o != NULL && o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* All of `table` but those that `hidden_by` has, too. */
static void help_options(const struct cli_option *table, const struct cli_option *hidden_by,
                         FILE *out) {
    for (const struct cli_option *o = table; o != NULL && o->name != NULL; o++) {
        char name[64];
        if (has_option(hidden_by, o->name)) {
            continue;
        }
        option_name(o, name, sizeof(name));
        if (strlen(name) > 26) {
            fprintf(out, "  %s\n  %-26s  %s\n", name, "", o->help);
        } else {
            fprintf(out, "  %-26s  %s\n", name, o->help);
        }
    }
}

/* Text as it stands, but for lines that are too long: those are broken between words. */
static void wrapped(const char *text, size_t width, FILE *out) {
    struct str rest = str_c(text), line;
    while (str_cut(&rest, '\n', &line)) {
        while (line.n > width && line.p[0] != ' ') {
            size_t at = str_rfind_c(str_sub(line, 0, width + 1), ' ');
            if (at == (size_t)-1) {
                break;
            }
            fprintf(out, STR_FMT "\n", STR_ARG(str_sub(line, 0, at)));
            line = str_sub(line, at + 1, line.n);
        }
        fprintf(out, STR_FMT "\n", STR_ARG(line));
    }
}

void help_verb(const struct cli *c, const struct cli_verb *verb, FILE *out) {
    (void)c;
    fprintf(out, "usage: trunkline %s [options]%s%s\n\n%s.\n", verb->name, verb->args[0] ? " " : "",
            verb->args, verb->summary);
    if (verb->detail) {
        fputc('\n', out);
        wrapped(verb->detail, WIDTH, out);
    }
    if (!(verb->flags & CLI_RAW)) {
        fputs("\nOptions\n", out);
        help_options(verb->options, NULL, out);
        help_options(options_common(verb), verb->options, out);
    }
}

/* Text for roff: backslashes and dashes that stay, no line that looks like a request. */
static void roff(const char *text, FILE *out) {
    for (const char *p = text; *p != '\0'; p++) {
        if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n')) {
            fputs("\\&", out);
        }
        if (*p == '\\') {
            fputs("\\e", out);
        } else if (*p == '-') {
            fputs("\\-", out);
        } else {
            fputc(*p, out);
        }
    }
}

static void roff_paragraphs(const char *text, FILE *out) {
    const char *p = text;
    while (*p != '\0') {
        const char *end = strstr(p, "\n\n");
        size_t n = end ? (size_t)(end - p) : strlen(p);
        bool literal = *p == ' ';
        char *part = strndup(p, n);
        fputs(literal ? ".PP\n.nf\n" : ".PP\n", out);
        roff(part ? part : "", out);
        fputs(literal ? "\n.fi\n" : "\n", out);
        free(part);
        p += n;
        while (*p == '\n') {
            p++;
        }
    }
}

static void roff_options(const struct cli_option *table, FILE *out) {
    for (const struct cli_option *o = table; o != NULL && o->name != NULL; o++) {
        fputs(".TP\n", out);
        if (o->letter) {
            fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
        }
        fputs("\\fB", out);
        fputs("\\-\\-", out);
        roff(o->name, out);
        fputs("\\fR", out);
        if (o->value) {
            fprintf(out, " \\fI%s\\fR", o->value);
        }
        fputc('\n', out);
        roff(o->help, out);
        fputc('\n', out);
    }
}

static void manual_verb(const struct cli_verb *verb, FILE *out) {
    fputs(".SS \"", out);
    roff(verb->name, out);
    fputs(" [options]", out);
    if (verb->args[0]) {
        fputc(' ', out);
        roff(verb->args, out);
    }
    fputs("\"\n", out);
    roff(verb->summary, out);
    fputs(".\n", out);
    if (verb->detail) {
        roff_paragraphs(verb->detail, out);
    }
    roff_options(verb->options, out);
}

static const char manual_head[] =
    ".\\\" Written by `trunkline dev manual`; a test compares. Change the verbs' tables instead.\n"
    ".TH TRUNKLINE 1\n"
    ".SH NAME\n"
    "trunkline \\- releases to AWS accounts, and the accounts to try them on\n"
    ".SH SYNOPSIS\n"
    ".B trunkline\n"
    ".I VERB\n"
    "[options] [arguments]\n"
    ".SH DESCRIPTION\n"
    "Trunkline watches a git trunk and takes each commit through builds, environments and\n"
    "approvals, as CodePipeline and CodeBuild do, against AWS accounts that it serves itself or\n"
    "against AWS. Verbs talk to a running\n"
    ".B trunkline serve\n"
    "by the AWS APIs; what they do, the aws command line can do, too.\n"
    ".SH OPTIONS\n"
    "Options stand behind the verb, before or after its arguments; \\fB\\-\\-\\fR ends them. "
    "These\n"
    "are common to all verbs that talk to a server:\n";

static const char manual_tail[] =
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\ndone\n"
    ".TP\n.B 1\nfailed\n"
    ".TP\n.B 2\nwrong usage\n"
    ".TP\n.B 3\nstopped or superseded\n"
    ".TP\n.B 4\nwaits for approval\n"
    ".TP\n.B 5\ncannot reach the server\n"
    ".SH JSON\n"
    "--json prints one document. Members are added over time, and keep their meaning. Times are\n"
    "milliseconds since 1970, or durations, as their names say; what is not there has no member.\n"
    ".TP\n.B watch, show\n"
    "{pipeline, id, status, statusSummary, trigger, commit, subject, startMs, updateMs,\n"
    "waitsForApproval, why, stages: [{name, status, startMs, endMs, gate: {status, summary},\n"
    "disabledReason, actions: [{name, category, status, summary, error, updatedBy,\n"
    "externalExecutionId, attempt, startMs, updateMs, variables, build}]}]}; show adds revision,\n"
    "branch, productionExecution, productionCommit, commits: [{id, author, email, subject, "
    "dateMs}],\n"
    "alarms: [{account, name, state, reason}], times: {totalMs, commandsMs, buildsMs, sourceMs,\n"
    "engineMs, waitedMs}\n"
    ".TP\n.B build, as a member and of run\n"
    "{id, status, phase, command, startMs, endMs, phases: [{name, status, startMs, endMs, "
    "message}],\n"
    "exportedVariables}; run adds lastLines\n"
    ".TP\n.B status\n"
    "{pipelines: [{name, version, stages: [{name, status, execution, commit, subject, why, "
    "closed,\n"
    "waiting}]}]}\n"
    ".TP\n.B history\n"
    "{pipeline, executions: [{id, status, statusSummary, commit, subject, trigger, triggerDetail,\n"
    "startMs, updateMs}]}\n"
    ".TP\n.B logs\n{builds: [{build, lines: [{timeMs, text}]}]}\n"
    ".TP\n.B approve, reject, retry, stop, disable, enable\n{done, pipeline, stage, execution}\n"
    ".TP\n.B apply\n"
    "{pipeline, projects, bucket, connection: {name, url}, topic: {name, webhooks}}, in the words "
    "of\n"
    "CodePipeline's and CodeBuild's APIs; --yes adds changes: [{kind, name, done}] and execution\n"
    ".TP\n.B lint\n"
    "{file, valid, errors: [{code, line, column, message}], warnings, buildspec}; a list of these "
    "for\n"
    "several files\n"
    ".TP\n.B account setup, account list, connection list\n"
    "{steps: [{account, kind, name, done, detail}]}; {accounts: [{name, id, region, kind, "
    "roleArn,\n"
    "endpointUrl}]}; {connections: [{name, arn, status}]}\n"
    ".TP\n.B image list, mirror list, doctor\n"
    "{images: [{name, digest, rootfs, createdMs, packages}]}; {entries: [{url, sha256, size,\n"
    "addedMs}]}; {ready, checks: [{name, state, finding, fix}]}\n"
    ".TP\n.B env, console\nthe variables as members; {url, expiresMs}\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B TRUNKLINE_DATA\n"
    "the data directory where \\-\\-data is not given; otherwise /var/lib/trunkline for root and\n"
    "~/.local/share/trunkline for others\n"
    ".TP\n.B TRUNKLINE_URL\n"
    "a server elsewhere, where \\-\\-url is not given; keys are then taken from "
    "AWS_ACCESS_KEY_ID,\n"
    "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, the region from AWS_REGION\n"
    ".TP\n.B TRUNKLINE_IMAGES\n"
    "the folder of build images\n"
    ".TP\n.B NO_COLOR\n"
    "not empty: no colours on a terminal\n"
    ".SH FILES\n"
    ".TP\n.I DIR/endpoint\nURL of the running server\n"
    ".TP\n.I DIR/keys.json\naccounts and their keys (mode 0600)\n"
    ".TP\n.I DIR/trunkline.yml\nimage table, read-only mounts, egress policy\n"
    ".TP\n.I release.yml\nhow a commit travels; see \\fBtrunkline init\\fR\n"
    ".TP\n.I accounts.yml\nwhat accounts hold beforehand; see \\fBtrunkline account setup\\fR\n";

void help_manual(const struct cli *c, FILE *out) {
    static const struct cli_verb any = {0};
    fputs(manual_head, out);
    roff_options(options_common(&any), out);
    fputs(".SH VERBS\n", out);
    for (int group = 0; group < CLI_HIDDEN; group++) {
        for (size_t i = 0; i < c->verbs_n; i++) {
            if (c->verbs[i]->group == (enum cli_group)group) {
                manual_verb(c->verbs[i], out);
            }
        }
    }
    fputs(manual_tail, out);
}

static void complete_options(const struct cli_option *table, const char *start, FILE *out) {
    for (const struct cli_option *o = table; o != NULL && o->name != NULL; o++) {
        if (strncmp(o->name, start, strlen(start)) == 0) {
            fprintf(out, "--%s\n", o->name);
        }
    }
}

/* Verbs that go on from the words before the last one. */
static void complete_verbs(const struct cli *c, int n, const char *const *words, FILE *out) {
    const char *last = words[n - 1];
    const char *told = "";
    for (size_t i = 0; i < c->verbs_n; i++) {
        const char *name = c->verbs[i]->name;
        const char *blank = strchr(name, ' ');
        size_t first = blank ? (size_t)(blank - name) : strlen(name);
        if (c->verbs[i]->group == CLI_HIDDEN) {
            continue;
        }
        if (n == 1 && strncmp(name, last, strlen(last)) == 0 &&
            !(strncmp(told, name, first) == 0 && told[0] != '\0' && blank)) {
            fprintf(out, "%.*s\n", (int)first, name);
            told = name;
        } else if (n == 2 && blank && strlen(words[0]) == first &&
                   strncmp(name, words[0], first) == 0 &&
                   strncmp(blank + 1, last, strlen(last)) == 0) {
            fprintf(out, "%s\n", blank + 1);
        }
    }
}

static const struct cli_verb *completed_verb(const struct cli *c, int n, const char *const *words) {
    for (size_t i = 0; i < c->verbs_n && n > 1; i++) {
        char both[128];
        snprintf(both, sizeof(both), "%s %s", words[0], n > 2 ? words[1] : "");
        if (strcmp(c->verbs[i]->name, words[0]) == 0 || strcmp(c->verbs[i]->name, both) == 0) {
            return c->verbs[i];
        }
    }
    return NULL;
}

void help_complete(const struct cli *c, int n, const char *const *words, FILE *out) {
    if (n < 1) {
        return;
    }
    const struct cli_verb *verb = completed_verb(c, n, words);
    if (verb == NULL) {
        complete_verbs(c, n, words, out);
        return;
    }
    if (strncmp(words[n - 1], "--", 2) == 0) {
        complete_options(verb->options, words[n - 1] + 2, out);
        complete_options(options_common(verb), words[n - 1] + 2, out);
    }
}
