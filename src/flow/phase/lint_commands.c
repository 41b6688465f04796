/* Surprises within one command: which failures are not seen, what a shell will not take. */
#include "flow/phase/lint_internal.h"

/* These fail for no reason that matters, or say themselves why. */
static const char *const harmless[] = {"echo",
                                       "printf",
                                       ":",
                                       "true",
                                       "export",
                                       "cd",
                                       "mkdir",
                                       "rm",
                                       "set",
                                       "unset",
                                       "local",
                                       "date",
                                       "pwd",
                                       "ls",
                                       "cat",
                                       "env",
                                       "printenv",
                                       "which",
                                       "sleep",
                                       "exit",
                                       "return",
                                       "test",
                                       "[",
                                       "[[",
                                       "read",
                                       "shift",
                                       "trap",
                                       "shopt",
                                       "ulimit",
                                       "alias",
                                       "wait",
                                       "kill",
                                       "touch",
                                       "declare",
                                       "readonly",
                                       "break",
                                       "continue",
                                       "umask",
                                       "false",
                                       "yes",
                                       "seq",
                                       "head",
                                       "tail",
                                       "sed",
                                       "awk",
                                       "grep",
                                       "egrep",
                                       "fgrep",
                                       "tr",
                                       "cut",
                                       "sort",
                                       "uniq",
                                       "basename",
                                       "dirname",
                                       "uname",
                                       "hostname",
                                       "whoami",
                                       "id",
                                       "find",
                                       "wc",
                                       "history",
                                       "type",
                                       "base64",
                                       "openssl rand",
                                       "ps",
                                       "df",
                                       "du",
                                       "free",
                                       "nproc",
                                       "tree",
                                       "expr",
                                       "id",
                                       "hash",
                                       "git log",
                                       "git diff",
                                       "git status",
                                       "git branch",
                                       "git rev-parse",
                                       "git describe",
                                       "git ls-files",
                                       "git tag",
                                       "git config",
                                       "git show",
                                       "git name-rev",
                                       "docker images",
                                       "docker ps",
                                       "docker info",
                                       "docker version",
                                       "docker system",
                                       "docker image",
                                       "eval",
                                       "tee",
                                       "jq",
                                       "md5sum",
                                       "sha1sum",
                                       "sha256sum",
                                       "chmod",
                                       "chown",
                                       "git symbolic-ref",
                                       "xxd",
                                       "od",
                                       "rev",
                                       "ss",
                                       "netstat",
                                       NULL};

/* These succeed whatever comes in, nothing included. */
static const char *const swallow[] = {
    "tee", "cat", "bash", "sh",    "zsh",  "tail", "head",   "sed", "awk",    "sort", "uniq", "jq",
    "cut", "tr",  "wc",   "xargs", "less", "more", "base64", "nl",  "column", "rev",  "fold", NULL};

/* '|| true' behind these is an idiom: what they ask for may be there, or gone, already. */
static const char *const idioms[] = {"mkdir",
                                     "rm",
                                     "rmdir",
                                     "kill",
                                     "pkill",
                                     "killall",
                                     "grep",
                                     "egrep",
                                     "which",
                                     "command",
                                     "type",
                                     "test",
                                     "[",
                                     "[[",
                                     "ls",
                                     "cat",
                                     "cd",
                                     "ln",
                                     "unlink",
                                     "umount",
                                     "docker rm",
                                     "docker rmi",
                                     "docker stop",
                                     "docker pull",
                                     "docker kill",
                                     "docker network",
                                     "docker volume",
                                     "docker logs",
                                     "docker inspect",
                                     "docker login",
                                     "docker logout",
                                     "docker system",
                                     "docker image",
                                     "docker create",
                                     "docker cp",
                                     "terraform workspace",
                                     "terraform force-unlock",
                                     "git diff",
                                     "git config",
                                     "git fetch",
                                     "git tag",
                                     "git remote",
                                     "git branch",
                                     "git stash",
                                     "git checkout",
                                     "git log",
                                     "git rev-parse",
                                     "git describe",
                                     "kubectl create",
                                     "kubectl delete",
                                     "kubectl get",
                                     "kubectl describe",
                                     "kubectl logs",
                                     "useradd",
                                     "groupadd",
                                     "adduser",
                                     "source",
                                     ".",
                                     "set",
                                     "unset",
                                     "export",
                                     "wait",
                                     "read",
                                     "echo",
                                     "printf",
                                     "cp",
                                     "mv",
                                     "chmod",
                                     "chown",
                                     "find",
                                     "systemctl",
                                     "service",
                                     "aws * wait",
                                     "ps",
                                     "diff",
                                     "cmp",
                                     "pgrep",
                                     "expr",
                                     "curl",
                                     "ulimit",
                                     "shopt",
                                     "popd",
                                     "pushd",
                                     "n",
                                     "jobs",
                                     "aws s3 mb",
                                     "rsync",
                                     "codecov",
                                     "docker manifest",
                                     "aws s3 rb",
                                     "tput",
                                     "du",
                                     "df",
                                     NULL};

static bool asks_version(const struct shell_command *command) {
    struct str last = command->words.n > 0 ? command->words.v[command->words.n - 1] : STR_NONE;
    return str_is(last, "--version") || str_is(last, "-version") || str_is(last, "version") ||
           str_is(last, "-v") || str_is(last, "-V") || str_is(last, "--help");
}

static bool matters(const struct shell_command *command) {
    size_t at;
    return !command->closer && shell_program(command, &at).p != NULL && !asks_version(command) &&
           !lint_is_one(command, harmless);
}

/* "aws iam create-role", "aws s3api head-bucket": whether it is there already is what they tell. */
static bool is_aws_idiom(const struct shell_command *command) {
    static const char *const prefixes[] = {"create-", "delete-", "describe-", "get-",      "list-",
                                           "head-",   "remove-", "put-",      "associate-"};
    size_t at = 0;
    if (!str_is(shell_program(command, &at), "aws")) {
        return false;
    }
    for (size_t i = at + 1; i < command->words.n; i++) {
        for (size_t k = 0; k < sizeof(prefixes) / sizeof(prefixes[0]); k++) {
            if (str_starts(command->words.v[i], str_c(prefixes[k]))) {
                return true;
            }
        }
    }
    return false;
}

static bool mentions(const struct yaml_node *item, const char *what) {
    return str_find(item->text, str_c(what), 0) != (size_t)-1;
}

/* "set -e", "set -euo pipefail", "set -o errexit". */
static bool stops_at_failure(const struct shell_script *script) {
    for (size_t i = 0; i < script->n; i++) {
        const struct shell_command *c = &script->v[i];
        if (c->words.n < 2 || !str_is(c->words.v[0], "set")) {
            continue;
        }
        for (size_t k = 1; k < c->words.n; k++) {
            struct str word = c->words.v[k];
            bool flags = word.n > 1 && word.p[0] == '-' && word.p[1] != '-';
            if ((flags && str_find_c(word, 'e', 1) != (size_t)-1) || str_is(word, "errexit")) {
                return true;
            }
        }
    }
    return false;
}

static bool check_set(struct linter *l, const struct yaml_node *item,
                      const struct shell_script *script) {
    if (script->n != 1 || script->v[0].words.n < 2 || !str_is(script->v[0].words.v[0], "set")) {
        return false;
    }
    struct str flag = script->v[0].words.v[1];
    if (flag.n < 2 || (flag.p[0] != '-' && flag.p[0] != '+') || str_is(flag, "--")) {
        return false;
    }
    lint_warn(l, "set-alone", item, 0,
              "'" STR_FMT "' has no effect on the commands after it: each runs in a shell of its "
              "own; put it into the same item",
              STR_ARG(str_trim(item->text)));
    return true;
}

/* Lines of a '|' block are those of the file, below the '|'; others are not told apart. */
static unsigned line_in(const struct yaml_node *item, unsigned line) {
    return item->literal ? line + 1 : 0;
}

static void check_pipes(struct linter *l, const struct yaml_node *item,
                        const struct shell_script *script) {
    for (size_t i = 0; i < script->n; i++) {
        const struct shell_command *hides = NULL;
        const struct shell_command *first = &script->v[i];
        unsigned depth = first->depth;
        while (script->v[i].join == SHELL_PIPE && i + 1 < script->n) {
            if (hides == NULL && script->v[i].depth == depth && matters(&script->v[i])) {
                hides = &script->v[i];
            }
            i++;
            while (i + 1 < script->n && script->v[i].depth > depth) {
                i++; /* what is substituted in the words of the next part stands before it */
            }
        }
        if (hides != NULL && !first->condition && lint_is_one(&script->v[i], swallow)) {
            size_t at;
            lint_warn(l, "pipe-hides-failure", item, line_in(item, hides->line),
                      "only the last part of a pipe decides: when '" STR_FMT "' fails, '" STR_FMT
                      "' succeeds all the same; 'set -o pipefail' in the same item (bash) makes it "
                      "seen",
                      STR_ARG(shell_program(hides, &at)),
                      STR_ARG(shell_program(&script->v[i], &at)));
            return;
        }
    }
}

static void check_or_true(struct linter *l, bool finally, const struct yaml_node *item,
                          const struct shell_script *script) {
    for (size_t i = 0; i + 1 < script->n; i++) {
        const struct shell_command *c = &script->v[i];
        const struct shell_command *next = &script->v[i + 1];
        bool ignored = c->join == SHELL_OR && next->words.n == 1 &&
                       (str_is(next->words.v[0], "true") || str_is(next->words.v[0], ":"));
        if (ignored && !finally && !c->substituted && !c->closer && !is_aws_idiom(c) &&
            !lint_is_one(c, idioms)) {
            lint_warn(l, "or-true", item, line_in(item, c->line),
                      "'|| " STR_FMT "' hides a failure of '" STR_FMT "': the build goes on and "
                      "succeeds; drop it, or test for the failure that is meant",
                      STR_ARG(next->words.v[0]), STR_ARG(str_sub(c->text, 0, 80)));
            return;
        }
    }
}

/* The command behind c in the same list that is not substituted in it; NULL at the list's end. */
static const struct shell_command *follower(const struct shell_script *script, size_t i) {
    for (size_t k = i + 1; k < script->n; k++) {
        const struct shell_command *next = &script->v[k];
        if (next->depth < script->v[i].depth || (next->depth == script->v[i].depth &&
                                                 next->closer && next->words.n > 0 && k == i + 1)) {
            return next->depth < script->v[i].depth ? NULL : next;
        }
        if (next->depth == script->v[i].depth) {
            return next;
        }
    }
    return NULL;
}

/* The list that c stands in fails anyway: it ends by "exit 1". */
static bool exits_behind(const struct shell_script *script, size_t i) {
    const struct shell_command *next = follower(script, i);
    while (next != NULL) {
        if (next->words.n == 2 && str_is(next->words.v[0], "exit")) {
            return !str_is(next->words.v[1], "0");
        }
        next = follower(script, (size_t)(next - script->v));
    }
    return false;
}

static void check_block(struct linter *l, const struct yaml_node *item,
                        const struct shell_script *script) {
    if (stops_at_failure(script)) {
        return;
    }
    for (size_t i = 0; i < script->n; i++) {
        const struct shell_command *c = &script->v[i];
        const struct shell_command *next = follower(script, i);
        bool unseen = c->join == SHELL_NEXT && next != NULL && !c->condition && !c->substituted;
        bool asked = i + 1 < script->n && str_find(script->v[i + 1].text, S("$?"), 0) != (size_t)-1;
        if (unseen && matters(c) && !asked && !exits_behind(script, i)) {
            size_t at;
            lint_warn(l, "block-hides-failure", item, line_in(item, c->line),
                      "only the last line of a command decides: when '" STR_FMT "' fails, what "
                      "follows runs, and the failure is not seen; begin the item with 'set -e'",
                      STR_ARG(shell_program(c, &at)));
            return;
        }
    }
}

/* A command that only PowerShell takes. */
static bool is_powershell(struct str text) {
    static const char *const verbs[] = {
        "Write-Host ",  "Set-Location ", "Copy-Item ",         "New-Item ",       "Remove-Item ",
        "Get-Content ", "Set-Content ",  "Invoke-WebRequest ", "Expand-Archive ", "Start-Process "};
    if (str_find(text, S("$env:"), 0) != (size_t)-1 ||
        str_find(text, S("$Env:"), 0) != (size_t)-1) {
        return true;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (str_starts(text, str_c(verbs[i]))) {
            return true;
        }
    }
    return false;
}

static void find_powershell(struct linter *l, enum buildspec_phase_kind phase, bool finally,
                            const struct yaml_node *item, void *data) {
    (void)l;
    (void)phase;
    (void)finally;
    const struct yaml_node **found = data;
    if (*found == NULL && is_powershell(item->text)) {
        *found = item;
    }
}

static void visit(struct linter *l, enum buildspec_phase_kind phase, bool finally,
                  const struct yaml_node *item, void *data) {
    (void)phase;
    bool *told_bash = data;
    struct shell_script script = shell_scan(l->arena, item->text);
    if (script.open.p != NULL) {
        lint_warn(l, "unfinished-command", item, 0,
                  "the command ends within '" STR_FMT "': each item is a program of its own, and "
                  "the shell will refuse it; put all of it into one item",
                  STR_ARG(script.open));
        return;
    }
    if (check_set(l, item, &script)) {
        return;
    }
    if (!mentions(item, "pipefail")) {
        check_pipes(l, item, &script);
    }
    check_or_true(l, finally, item, &script);
    check_block(l, item, &script);
    if (script.bash.p != NULL && !*told_bash &&
        yaml_is_null(yaml_get(yaml_get(l->spec->root, "env"), "shell"))) {
        *told_bash = true;
        lint_warn(l, "needs-bash", item, 0,
                  "'" STR_FMT "' is bash's, and builds run in sh unless 'env: {shell: bash}' says "
                  "otherwise: an image whose sh is not bash will refuse it",
                  STR_ARG(script.bash));
    }
}

void lint_commands(struct linter *l) {
    for (size_t i = 0; i < l->spec->errors.n; i++) {
        if (strcmp(l->spec->errors.v[i].code, "shell") == 0) {
            return; /* commands of another shell */
        }
    }
    const struct yaml_node *powershell = NULL;
    lint_each_command(l, find_powershell, &powershell);
    if (powershell != NULL) {
        lint_warn(l, "powershell", powershell, 0,
                  "this looks like PowerShell, which needs Windows; builds here run on Linux only");
        return;
    }
    bool told_bash = false;
    lint_each_command(l, visit, &told_bash);
}
