/* Implementation of git.h: every call runs the git program through run_git, locked up, with our
 * configuration and environment only. */
#include "flow/artifact/git_internal.h"

#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/os/locked.h"
#include "platform/os/process.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    GIT_TIMEOUT_MS = 10 * 60 * 1000,
    GIT_MAX_OUTPUT = 4 * 1024 * 1024,
    GIT_MAX_MESSAGE = 16 * 1024,
};

/* git's last line that says something, for a person. */
static struct str last_words(struct str text) {
    struct str rest = str_trim(text);
    struct str line = STR_NONE;
    struct str last = S("git said nothing");
    while (str_cut(&rest, '\n', &line)) {
        if (str_trim(line).n > 0) {
            last = str_trim(line);
        }
    }
    return last;
}

struct git_run {
    const struct git_mirror *mirror;
    const char *const *argv; /* behind "git", NULL-terminated */
    const char *work_tree;   /* or NULL */
    const char *index;       /* or NULL */
    bool in_mirror;
    int timeout_ms; /* 0: GIT_TIMEOUT_MS */
};

enum { MAX_ARGS = 32, OUR_ARGS = 13, MAX_ENV = 24 };

static void git_argv(const struct git_run *run, const char *argv[MAX_ARGS]) {
    static const char *const ours[OUR_ARGS] = {
        "git",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "protocol.ext.allow=never",
        "-c",
        "submodule.recurse=false",
        "-c",
        "core.symlinks=true",
        "-c",
        "core.autocrlf=false",
    };
    memcpy(argv, ours, sizeof(ours));
    size_t n = OUR_ARGS;
    for (size_t i = 0; run->argv[i] != NULL; i++) {
        argv[n++] = run->argv[i];
    }
    argv[n] = NULL;
}

static struct str parent_of(struct str path) {
    return str_sub(path, 0, str_rfind_c(path, '/'));
}

/* A credential reaches git by a helper that reads it from the environment: arguments can be read by
 * every user of the machine. It is the registered server's alone, whatever a redirect says. */
static size_t credential_env(struct arena *a, const struct git_mirror *m, const char **env) {
    if (m->server.p == NULL) {
        return 0;
    }
    env[0] = "GIT_CONFIG_COUNT=1";
    env[1] = str_printf(a, "GIT_CONFIG_KEY_0=credential.%.*s.helper", STR_ARG(m->server)).p;
    env[2] = "GIT_CONFIG_VALUE_0=!f() { if test \"$1\" = get; then printf "
             "'username=%s\\npassword=%s\\n' \"$TRUNKLINE_GIT_USERNAME\" "
             "\"$TRUNKLINE_GIT_PASSWORD\"; fi; }; f";
    env[3] = str_printf(a, "TRUNKLINE_GIT_USERNAME=%.*s", STR_ARG(m->username)).p;
    env[4] = str_printf(a, "TRUNKLINE_GIT_PASSWORD=%.*s", STR_ARG(m->password)).p;
    return 5;
}

/* Nothing of our own environment but PATH and what ssh needs to find a person's keys. */
static void git_env(struct arena *a, const struct git_run *run, const char *env[MAX_ENV]) {
    const struct git_mirror *m = run->mirror;
    const char *path = getenv("PATH");
    const char *agent = getenv("SSH_AUTH_SOCK");
    size_t n = 0;
    env[n++] = str_printf(a, "PATH=%s", path ? path : "/usr/bin:/bin").p;
    env[n++] = str_printf(a, "HOME=%.*s", STR_ARG(m->home)).p;
    env[n++] = str_printf(a, "GIT_CONFIG_GLOBAL=%.*s/config", STR_ARG(m->home)).p;
    env[n++] = "GIT_CONFIG_NOSYSTEM=1";
    env[n++] = "GIT_TERMINAL_PROMPT=0";
    env[n++] = "GIT_ASKPASS=/bin/true";
    env[n++] = "GIT_SSH_COMMAND=ssh -oBatchMode=yes";
    env[n++] = "LC_ALL=C";
    env[n++] = str_printf(a, "GIT_CEILING_DIRECTORIES=%.*s", STR_ARG(parent_of(m->home))).p;
    env[n++] = str_printf(a, "GIT_ALLOW_PROTOCOL=%s", git_protocol(m->url)).p;
    if (agent != NULL) {
        env[n++] = str_printf(a, "SSH_AUTH_SOCK=%s", agent).p;
    }
    n += credential_env(a, m, env + n);
    if (run->in_mirror) {
        env[n++] = str_printf(a, "GIT_DIR=%.*s", STR_ARG(m->path)).p;
    }
    if (run->work_tree != NULL) {
        env[n++] = str_printf(a, "GIT_WORK_TREE=%s", run->work_tree).p;
        env[n++] = str_printf(a, "GIT_INDEX_FILE=%s", run->index).p;
    }
    env[n] = NULL;
}

/* A person's keys and known hosts, for repositories that are fetched by ssh. */
static void let_ssh(struct arena *a, struct locked *ret) {
    struct passwd *self = getpwuid(geteuid());
    const char *agent = getenv("SSH_AUTH_SOCK");
    *arena_push(a, &ret->read) = S("/etc/ssh");
    *arena_push(a, &ret->write) = S("/dev/tty");
    if (self != NULL) {
        *arena_push(a, &ret->read) = str_printf(a, "%s/.ssh", self->pw_dir);
    }
    if (agent != NULL) {
        *arena_push(a, &ret->read) = str_dup(a, str_c(agent));
    }
}

/* A linked worktree's .git is a file that names the folder in which its repository lies. */
static void let_repository(struct arena *a, struct str path, struct locked *ret) {
    struct str text = STR_NONE;
    struct err none = ERR_INIT;
    const char *link = str_printf(a, "%.*s/.git", STR_ARG(path)).p;
    *arena_push(a, &ret->read) = path;
    if (!file_exists(link) || file_is_dir(link) || file_read(a, link, 4096, &text, &none) < 0 ||
        !str_starts(text, S("gitdir: /"))) {
        return;
    }
    struct str dir = str_trim(str_sub(text, 8, text.n));
    size_t at = str_find(dir, S("/worktrees/"), 0);
    *arena_push(a, &ret->read) = at == (size_t)-1 ? dir : str_dup(a, str_sub(dir, 0, at));
}

/* git sees mirrors, the repository that it fetches where that is of this machine, and the folder
 * that it exports to; nothing else of ours. */
static void folders(struct arena *a, const struct git_run *run, struct locked *ret) {
    const char *protocol = git_protocol(run->mirror->url);
    locked_system(a, ret);
    *arena_push(a, &ret->write) = run->mirror->home;
    if (strcmp(protocol, "file") == 0) {
        struct str url = run->mirror->url;
        let_repository(a, str_starts(url, S("file://")) ? str_sub(url, 7, url.n) : url, ret);
    } else if (strcmp(protocol, "ssh") == 0) {
        let_ssh(a, ret);
    }
    if (run->index != NULL) {
        *arena_push(a, &ret->write) = str_dup(a, parent_of(str_c(run->index)));
    }
}

/* 0 when git ended with status 0; otherwise its last words are the error. */
static int run_git(struct arena *a, const struct git_run *run, struct str *ret_out,
                   struct err *err) {
    const char *argv[MAX_ARGS];
    const char *env[MAX_ENV];
    git_argv(run, argv);
    git_env(a, run, env);
    struct process_run spec = {.output_max = GIT_MAX_OUTPUT,
                               .timeout_ms = run->timeout_ms > 0 ? run->timeout_ms : GIT_TIMEOUT_MS,
                               .cancel = run->mirror->cancel};
    struct process_spec program = PROCESS_SPEC_INIT;
    struct locked locked = {.uid = (uid_t)-1};
    program.argv = argv;
    program.envp = env;
    program.session = true;
    if (run->mirror->url.p[0] != '.') { /* ours may lie in a repository that it cannot read */
        program.dir = str_z(a, run->mirror->home);
    }
    folders(a, run, &locked);
    struct process_exit end = {0};
    struct str said = STR_NONE;
    if (locked_spec(a, &program, &locked, &spec.spec, err) < 0) {
        return -1;
    }
    if (process_run(a, &spec, ret_out, &said, &end, err) < 0) {
        return err->kind == ERR_UNAVAILABLE
                   ? err_set(err, ERR_UNAVAILABLE, "git did not end within %d s",
                             spec.timeout_ms / 1000)
                   : -1;
    }
    if (end.code != 0) {
        struct str words = last_words(said);
        return err_set(err, ERR_UNAVAILABLE, "git: %.*s", STR_ARG(words));
    }
    return 0;
}

int git_call(struct arena *a, const struct git_mirror *m, bool in_mirror, struct str *ret_out,
             struct err *err, const char *const *argv) {
    struct git_run run = {.mirror = m, .argv = argv, .in_mirror = in_mirror};
    struct str out = STR_NONE;
    if (run_git(a, &run, &out, err) < 0) {
        return -1;
    }
    if (ret_out != NULL) {
        *ret_out = out;
    }
    return 0;
}

int git_ask(struct arena *a, const struct git_mirror *m, struct str *ret_out, struct err *err,
            const char *const *argv) {
    struct git_run run = {.mirror = m, .argv = argv, .timeout_ms = GIT_ASK_MS};
    return run_git(a, &run, ret_out, err);
}

static int git(struct arena *a, const struct git_mirror *m, struct str *ret_out, struct err *err,
               const char *const *argv) {
    return git_call(a, m, true, ret_out, err, argv);
}

/* Root refuses other users' repositories unless they are named as safe. Hooks never run and only
 * the registered protocol is allowed, so trusting the owner's mark adds nothing here. */
int git_write_config(struct arena *a, struct str home, struct err *err) {
    static const char text[] = "[safe]\n\tdirectory = *\n[gc]\n\tauto = 0\n";
    const char *path = str_printf(a, "%.*s/config", STR_ARG(home)).p;
    if (dir_make(str_z(a, home), 0700, err) < 0) {
        return -1;
    }
    return file_exists(path) ? 0 : file_write_atomic(path, str_c(text), 0600, err);
}

static int init_mirror(struct arena *a, const struct git_mirror *m, const char *path,
                       struct err *err) {
    if (file_exists(str_printf(a, "%s/HEAD", path).p)) {
        return 0;
    }
    const char *const argv[] = {"init", "-q", "--bare", NULL};
    return git(a, m, NULL, err, argv);
}

/* `one` is a refspec, or NULL for all branches and tags. */
static int fetch_locked(struct arena *a, const struct git_mirror *m, const char *one,
                        struct err *err) {
    const char *path = str_z(a, m->path);
    const char *const fetch[] = {"fetch",
                                 "-q",
                                 one != NULL ? "--no-prune" : "--prune",
                                 "--no-tags",
                                 "--no-recurse-submodules",
                                 "--end-of-options",
                                 str_z(a, m->url),
                                 one != NULL ? one : "+refs/heads/*:refs/heads/*",
                                 one != NULL ? NULL : "+refs/tags/*:refs/tags/*",
                                 NULL};
    return init_mirror(a, m, path, err) < 0 ? -1 : git(a, m, NULL, err, fetch);
}

static int fetch(const struct git_mirror *m, const char *one, struct err *err) {
    struct arena a = ARENA_INIT;
    int result = git_write_config(&a, m->home, err);
    if (result == 0) {
        int lock cleanup_fd = file_lock(str_printf(&a, "%.*s.lock", STR_ARG(m->path)).p, true, err);
        result = lock < 0 ? -1 : fetch_locked(&a, m, one, err);
    }
    arena_done(&a);
    return result < 0 ? err_wrap(err, "fetch %.*s", STR_ARG(m->url)) : 0;
}

int git_fetch(const struct git_mirror *m, struct err *err) {
    return fetch(m, NULL, err);
}

int git_fetch_ref(struct arena *a, const struct git_mirror *m, struct str ref, struct err *err) {
    if (!git_ref_is_plain(ref)) {
        return err_set(err, ERR_INVALID, "'%.*s' is no reference", STR_ARG(ref));
    }
    return fetch(
        m,
        str_printf(a, "+%.*s:refs/trunkline/%.*s", STR_ARG(ref), STR_ARG(str_sub(ref, 5, ref.n))).p,
        err);
}

int git_remote_head(struct arena *a, const struct git_mirror *m, struct str branch,
                    struct str *ret_commit, struct err *err) {
    if (git_write_config(a, m->home, err) < 0) {
        return -1;
    }
    const char *ref = str_printf(a, "refs/heads/%.*s", STR_ARG(branch)).p;
    const char *const argv[] = {"ls-remote", "--end-of-options", str_z(a, m->url), ref, NULL};
    struct str out = STR_NONE;
    if (git_ask(a, m, &out, err, argv) < 0) {
        return err_wrap(err, "%.*s", STR_ARG(m->url));
    }
    struct str commit = str_sub(out, 0, 40);
    if (commit.n < 40) {
        return err_set(err, ERR_NOT_FOUND, "%.*s has no branch '%.*s' with a commit",
                       STR_ARG(m->url), STR_ARG(branch));
    }
    *ret_commit = commit;
    return 0;
}

int git_head(struct arena *a, const struct git_mirror *m, struct str branch, struct str *ret_commit,
             struct err *err) {
    const char *ref = str_printf(a, "refs/heads/%.*s", STR_ARG(branch)).p;
    const char *const argv[] = {"rev-parse", "--verify", "-q", "--end-of-options", ref, NULL};
    if (git(a, m, ret_commit, err, argv) < 0) {
        return err_set(err, ERR_NOT_FOUND, "%.*s has no branch '%.*s' with a commit",
                       STR_ARG(m->url), STR_ARG(branch));
    }
    *ret_commit = str_sub(str_trim(*ret_commit), 0, 40);
    return 0;
}

/* One record of our log format: fields between unit separators. */
#define LOG_FORMAT "--format=%H%x1f%an%x1f%ae%x1f%at%x1f%ct%x1f%s%x1f%B%x1e"

static bool read_commit(struct arena *a, struct str record, struct git_commit *ret) {
    struct str rest = str_trim(record);
    struct str f[7];
    for (size_t i = 0; i < 7; i++) {
        if (!str_cut(&rest, '\x1f', &f[i])) {
            return false;
        }
    }
    long long author = 0;
    long long committer = 0;
    if (f[0].n != 40 || !str_to_i64(f[3], &author) || !str_to_i64(f[4], &committer)) {
        return false;
    }
    ret->id = str_dup(a, f[0]);
    ret->author = str_dup(a, f[1]);
    ret->email = str_dup(a, f[2]);
    ret->author_ms = author * 1000;
    ret->committer_ms = committer * 1000;
    ret->subject = str_dup(a, f[5]);
    ret->message = str_dup(a, str_sub(str_trim(f[6]), 0, GIT_MAX_MESSAGE));
    return true;
}

static int read_log(struct arena *a, struct str out, struct git_commit_list *ret) {
    *ret = (struct git_commit_list){0};
    struct str rest = out;
    struct str record = STR_NONE;
    while (str_cut(&rest, '\x1e', &record)) {
        struct git_commit commit;
        if (read_commit(a, record, &commit)) {
            *arena_push(a, ret) = commit;
        }
    }
    return 0;
}

int git_commit_info(struct arena *a, const struct git_mirror *m, struct str commit,
                    struct git_commit *ret, struct err *err) {
    const char *const argv[] = {"log", "-1", LOG_FORMAT, "--end-of-options", str_z(a, commit),
                                NULL};
    struct str out = STR_NONE;
    struct git_commit_list list;
    if (git(a, m, &out, err, argv) < 0 || read_log(a, out, &list) < 0 || list.n != 1) {
        return err_set(err, ERR_NOT_FOUND, "%.*s has no commit %.*s", STR_ARG(m->url),
                       STR_ARG(commit));
    }
    *ret = list.v[0];
    return 0;
}

int git_changed_paths(struct arena *a, const struct git_mirror *m, struct str from, struct str to,
                      size_t max, struct str_list *ret, struct err *err) {
    *ret = (struct str_list){0};
    if (from.p == NULL) {
        return 0;
    }
    const char *const argv[] = {"diff-tree",    "-r",           "-z",
                                "--name-only",  "--no-renames", "--end-of-options",
                                str_z(a, from), str_z(a, to),   NULL};
    struct str out = STR_NONE;
    if (git(a, m, &out, err, argv) < 0) {
        return -1;
    }
    struct str path = STR_NONE;
    while (str_cut(&out, '\0', &path) && ret->n <= max) {
        if (path.n > 0) {
            *arena_push(a, ret) = path;
        }
    }
    return 0;
}

int git_log(struct arena *a, const struct git_mirror *m, struct str from, struct str to, size_t max,
            struct git_commit_list *ret, struct err *err) {
    const char *range =
        from.p == NULL ? str_z(a, to) : str_printf(a, "%.*s..%.*s", STR_ARG(from), STR_ARG(to)).p;
    const char *count = str_printf(a, "--max-count=%zu", max).p;
    const char *const argv[] = {"log", count, LOG_FORMAT, "--end-of-options", range, NULL};
    struct str out = STR_NONE;
    return git(a, m, &out, err, argv) < 0 ? -1 : read_log(a, out, ret);
}

int git_export(const struct git_mirror *m, struct str commit, const char *dir, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *index = str_printf(&a, "%s.index", dir).p;
    const char *const argv[] = {"read-tree", "-u", "--reset", str_z(&a, commit), NULL};
    struct git_run run = {
        .mirror = m, .argv = argv, .work_tree = dir, .index = index, .in_mirror = true};
    struct str out = STR_NONE;
    int result = run_git(&a, &run, &out, err);
    struct err ignored = ERR_INIT;
    (void)!file_remove(index, &ignored);
    arena_done(&a);
    return result < 0 ? err_wrap(err, "export %.*s", STR_ARG(commit)) : 0;
}
