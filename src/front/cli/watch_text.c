/* Progress as text; watch_text.h. */
#include "front/cli/watch_text.h"

#include "base/buf.h"
#include "front/cli/out.h"
#include "platform/text/utf8.h"

#include <stdlib.h>

enum { MAX_TEXT = 256 * 1024, STAGE_WIDTH = 20, COMMAND_MAX = 100, OUTPUT_MAX = 400 };

/* At most n characters of UTF-8; the last one becomes an ellipsis where something is left out. */
static struct str cut(struct arena *a, struct str s, size_t n) {
    if (utf8_length(s) <= n) {
        return s;
    }
    size_t bytes = 0;
    uint32_t c = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        bytes += utf8_decode(str_sub(s, bytes, s.n), &c);
    }
    return str_printf(a, "%.*s\xe2\x80\xa6", (int)bytes, s.p);
}

struct str watch_command(struct arena *a, struct str command, size_t max) {
    size_t line = str_find_c(str_trim(command), '\n', 0);
    struct str first = str_sub(str_trim(command), 0, line);
    struct str text = out_safe(a, first, false);
    return cut(a, line == (size_t)-1 ? text : str_printf(a, STR_FMT " ...", STR_ARG(text)), max);
}

static const struct view_action *running(const struct view_stage *s) {
    for (size_t i = 0; i < s->actions.n; i++) {
        if (str_is(s->actions.v[i].status, "InProgress")) {
            return &s->actions.v[i];
        }
    }
    return NULL;
}

static const char *mark_of(const struct view_stage *s) {
    if (s->token.n) {
        return "\xe2\x97\x86"; /* a diamond: a person is asked */
    }
    if (str_is(s->status, "Succeeded")) {
        return "\xe2\x9c\x93";
    }
    if (str_is(s->status, "InProgress")) {
        return "\xe2\x96\xb6";
    }
    return s->status.n ? "\xe2\x9c\x97" : s->waiting ? "\xe2\x80\xa6" : "\xc2\xb7";
}

/* Of the action that failed; where none did, a condition has, and the release says which. */
static struct str failure_of(const struct view *v, const struct view_stage *s) {
    for (size_t i = 0; i < s->actions.n; i++) {
        const struct view_action *one = &s->actions.v[i];
        if (!str_is(one->status, "Succeeded")) {
            return one->error.n ? one->error : one->summary;
        }
    }
    return v->status_summary;
}

/* What stands behind a stage's time. */
static struct str detail_of(struct arena *a, const struct view *v, const struct view_stage *s) {
    const struct view_action *action = running(s);
    if (s->token.n) {
        return S("waits for a person: trunkline approve");
    }
    if (action && action->build && action->build->command.n) {
        return str_printf(a, STR_FMT "  $ " STR_FMT, STR_ARG(action->build->phase),
                          STR_ARG(watch_command(a, action->build->command, COMMAND_MAX)));
    }
    if (action && action->build) {
        return action->build->phase;
    }
    if (s->waiting && s->disabled) {
        return str_printf(a, "the way in is closed: " STR_FMT, STR_ARG(s->disabled_reason));
    }
    if (s->waiting && s->holder.n) {
        return str_printf(a, "held by release %.8s", s->holder.p);
    }
    if (str_is(s->gate_status, "Failed") || str_is(s->gate_status, "Errored") ||
        str_is(s->gate_status, "InProgress")) {
        return s->gate_summary;
    }
    return str_is(s->status, "Failed") ? failure_of(v, s) : S("");
}

static void stage_line(struct arena *a, const struct cli *c, const struct view *v,
                       const struct view_stage *s, int64_t now_ms, size_t columns, struct buf *b) {
    int64_t end = s->end_ms ? s->end_ms : now_ms;
    struct str time = s->start_ms && s->status.n ? out_seconds(a, end - s->start_ms) : S("");
    struct str detail = out_safe(a, detail_of(a, v, s), false);
    size_t used = 4 + STAGE_WIDTH + 2 + 12 + 2;
    enum out_style style = s->token.n         ? OUT_YELLOW
                           : s->status.n == 0 ? OUT_DIM
                                              : out_status_style(s->status);
    struct str name = cut(a, out_safe(a, s->name, false), STAGE_WIDTH);
    struct str rest = cut(a, detail, columns > used ? columns - used : 1);
    buf_printf(b, "  %s%s " STR_FMT "%s", out_style(c, style), mark_of(s), STR_ARG(name),
               out_style(c, OUT_PLAIN));
    if (time.n || rest.n) {
        buf_printf(b, "%*s  %12.*s", (int)(STAGE_WIDTH - utf8_length(name)), "", STR_ARG(time));
    }
    if (rest.n) {
        buf_printf(b, "  %s" STR_FMT "%s", out_style(c, OUT_DIM), STR_ARG(rest),
                   out_style(c, OUT_PLAIN));
    }
    buf_add_c(b, '\n');
}

struct str watch_block(struct arena *a, const struct cli *c, const struct view *v, int64_t now_ms,
                       int columns) {
    struct buf b cleanup_buf;
    size_t width = columns > 20 ? (size_t)columns : 20;
    buf_init(&b, MAX_TEXT);
    struct str head =
        str_printf(a, STR_FMT "  %.8s  %.7s  " STR_FMT, STR_ARG(v->pipeline),
                   v->id.n >= 8 ? v->id.p : "        ", v->commit.n >= 7 ? v->commit.p : "       ",
                   STR_ARG(out_safe(a, v->subject.p ? v->subject : S(""), false)));
    buf_printf(&b, "%s" STR_FMT "%s\n", out_style(c, OUT_BOLD), STR_ARG(cut(a, head, width)),
               out_style(c, OUT_PLAIN));
    for (size_t i = 0; i < v->stages.n; i++) {
        stage_line(a, c, v, &v->stages.v[i], now_ms, width, &b);
    }
    return buf_dup(a, &b);
}

/* ---- lines ---- */

enum { QUIET_PHASE_MS = 100 }; /* shorter ones that went well are not worth a line */

/* What comes first among facts of one moment in one stage. */
enum rank { RANK_START, RANK_PHASE_END, RANK_COMMAND, RANK_END };

struct fact {
    int64_t at_ms;
    size_t stage; /* its index: a release moves on from stage to stage */
    enum rank rank;
    size_t order; /* of finding it, among those alike */
    struct str key;
    struct str text;
};

struct news {
    struct arena *a;
    struct watch_log *log;
    const struct view *v;
    struct {
        struct fact *v;
        size_t n;
    } facts;
};

/* Noted, and printed later, unless it was said before. */
static void note(struct news *n, struct str key, int64_t at_ms, const struct view_stage *s,
                 enum rank rank, struct str text) {
    if (str_list_has(&n->log->said, key)) {
        return;
    }
    *arena_push(&n->log->arena, &n->log->said) = str_dup(&n->log->arena, key);
    size_t order = n->facts.n;
    size_t stage = (size_t)(s - n->v->stages.v);
    *arena_push(n->a, &n->facts) = (struct fact){at_ms, stage, rank, order, key, text};
}

static void phase_news(struct news *n, const struct view_stage *s, const struct view_build *b,
                       const struct view_phase *p) {
    bool well = str_is(p->status, "SUCCEEDED");
    if (p->end_ms == 0 || (well && p->end_ms - p->start_ms < QUIET_PHASE_MS)) {
        return;
    }
    struct str why = p->message.n && !well ? p->message : S("");
    note(n, str_printf(n->a, "phase/" STR_FMT "/" STR_FMT, STR_ARG(b->id), STR_ARG(p->name)),
         p->end_ms, s, RANK_PHASE_END,
         str_printf(n->a, STR_FMT " " STR_FMT " in " STR_FMT "%s" STR_FMT, STR_ARG(p->name),
                    STR_ARG(str_lower(n->a, p->status)),
                    STR_ARG(out_seconds(n->a, p->end_ms - p->start_ms)), why.n ? ": " : "",
                    STR_ARG(why)));
}

static const struct view_phase *phase_of(const struct view_build *b, struct str name) {
    for (size_t i = 0; i < b->phases.n; i++) {
        if (str_eq(b->phases.v[i].name, name)) {
            return &b->phases.v[i];
        }
    }
    return NULL;
}

/* The log is read after the phases and may be ahead of them: a command of a phase that is not known
 * yet waits for it, so that the end of the phase before is told first. Of one that began before the
 * lines that were read the phase is not told; it waits for the next look, whose phases are newer.
 */
static bool is_ahead(struct news *n, const struct view_build *b, const struct view_command *c,
                     struct str key) {
    if (b->end_ms != 0 || c->phase.n) {
        return b->end_ms == 0 && phase_of(b, c->phase) == NULL;
    }
    for (size_t i = 0; i < b->phases.n; i++) {
        const struct view_phase *p = &b->phases.v[i];
        if (p->end_ms != 0 && p->start_ms <= c->at_ms && c->at_ms <= p->end_ms) {
            return false;
        }
    }
    if (str_list_has(&n->log->held, key)) {
        return false;
    }
    *arena_push(&n->log->arena, &n->log->held) = str_dup(&n->log->arena, key);
    return true;
}

static void command_news(struct news *n, const struct view_stage *s, const struct view_build *b,
                         const struct view_command *c) {
    const struct view_phase *phase = phase_of(b, c->phase);
    struct str key = str_printf(n->a, "command/" STR_FMT "/%lld/" STR_FMT, STR_ARG(b->id),
                                (long long)c->at_ms, STR_ARG(c->text));
    if (str_list_has(&n->log->said, key) || is_ahead(n, b, c, key)) {
        return;
    }
    int64_t at_ms = phase && c->at_ms < phase->start_ms ? phase->start_ms : c->at_ms;
    note(n, key, at_ms, s, RANK_COMMAND,
         str_printf(n->a, "$ " STR_FMT, STR_ARG(watch_command(n->a, c->text, COMMAND_MAX))));
}

static void build_news(struct news *n, const struct view_stage *s, const struct view_build *b) {
    for (size_t i = 0; i < b->commands.n; i++) {
        command_news(n, s, b, &b->commands.v[i]);
    }
    for (size_t i = 0; i < b->phases.n; i++) {
        phase_news(n, s, b, &b->phases.v[i]);
    }
}

/* A stage whose gate stayed closed has no action, and the gate's time. */
static int64_t start_of(const struct view_stage *s, int64_t now_ms) {
    return s->start_ms ? s->start_ms : s->gate_ms ? s->gate_ms : now_ms;
}

static void end_news(struct news *n, const struct view_stage *s, int attempt, int64_t now_ms) {
    const struct view *v = n->v;
    struct str detail = detail_of(n->a, v, s);
    bool source = s == &v->stages.v[0] && str_is(s->status, "Succeeded") && v->commit.n >= 7;
    if (source) {
        detail = str_printf(n->a, "%.7s " STR_FMT, v->commit.p, STR_ARG(v->subject));
    }
    int64_t took = s->start_ms ? s->end_ms - s->start_ms : 0;
    note(n, str_printf(n->a, "end/" STR_FMT "/%d", STR_ARG(s->name), attempt),
         s->end_ms ? s->end_ms : start_of(s, now_ms), s, RANK_END,
         str_printf(n->a, STR_FMT " in " STR_FMT "%s" STR_FMT, STR_ARG(str_lower(n->a, s->status)),
                    STR_ARG(out_seconds(n->a, took)), detail.n ? ": " : "", STR_ARG(detail)));
}

static void waiting_news(struct news *n, const struct view_stage *s, int64_t now_ms) {
    if (s->waiting) {
        struct str why = detail_of(n->a, n->v, s);
        note(n, str_printf(n->a, "wait/" STR_FMT "/" STR_FMT, STR_ARG(s->name), STR_ARG(s->holder)),
             now_ms, s, RANK_START, str_printf(n->a, "waits: " STR_FMT, STR_ARG(why)));
    }
}

static void stage_news(struct news *n, const struct view_stage *s, int64_t now_ms, bool first) {
    int attempt = 1;
    for (size_t i = 0; i < s->actions.n; i++) {
        attempt = s->actions.v[i].attempt > attempt ? s->actions.v[i].attempt : attempt;
    }
    if (s->status.n == 0) {
        waiting_news(n, s, now_ms);
        return;
    }
    bool over = !str_is(s->status, "InProgress");
    struct str start = str_printf(n->a, "start/" STR_FMT "/%d", STR_ARG(s->name), attempt);
    if (first && over) { /* what was over before the watch began is one line */
        *arena_push(&n->log->arena, &n->log->said) = str_dup(&n->log->arena, start);
        end_news(n, s, attempt, now_ms);
        return;
    }
    note(n, start, start_of(s, now_ms), s, RANK_START,
         attempt > 1 ? str_printf(n->a, "started, attempt %d", attempt) : S("started"));
    if (!over && s->actions.n == 0 && str_is(s->gate_status, "InProgress")) {
        note(n,
             str_printf(n->a, "gate/" STR_FMT "/" STR_FMT, STR_ARG(s->name),
                        STR_ARG(s->gate_summary)),
             now_ms, s, RANK_PHASE_END,
             str_printf(n->a, "its gate is not open yet: " STR_FMT, STR_ARG(s->gate_summary)));
    }
    for (size_t i = 0; i < s->actions.n; i++) {
        /* A stage that was over at first sight says no more. */
        bool old = over && str_list_has(&n->log->said, str_printf(n->a, "end/" STR_FMT "/%d",
                                                                  STR_ARG(s->name), attempt));
        if (s->actions.v[i].build && !old) {
            build_news(n, s, s->actions.v[i].build);
        }
    }
    if (s->token.n) {
        note(n, str_printf(n->a, "token/" STR_FMT, STR_ARG(s->token)), now_ms, s, RANK_END,
             S("waits for a person: trunkline approve"));
    } else if (over) {
        end_news(n, s, attempt, now_ms);
    }
}

static int compare(int64_t x, int64_t y) {
    return x < y ? -1 : x > y;
}

static int by_time(const void *x, const void *y) {
    const struct fact *a = x;
    const struct fact *b = y;
    int order = compare(a->at_ms, b->at_ms);
    order = order ? order : compare((int64_t)a->stage, (int64_t)b->stage);
    order = order ? order : compare(a->rank, b->rank);
    return order ? order : compare((int64_t)a->order, (int64_t)b->order);
}

struct str watch_news(struct arena *a, struct watch_log *log, const struct view *v,
                      int64_t now_ms) {
    struct news n = {.a = a, .log = log, .v = v};
    struct buf out cleanup_buf;
    bool first = log->said.n == 0;
    buf_init(&out, MAX_TEXT);
    for (size_t i = 0; i < v->stages.n; i++) {
        stage_news(&n, &v->stages.v[i], now_ms, first);
    }
    if (n.facts.n) {
        qsort(n.facts.v, n.facts.n, sizeof(*n.facts.v), by_time);
    }
    for (size_t i = 0; i < n.facts.n; i++) {
        const struct fact *f = &n.facts.v[i];
        struct str since = out_seconds(a, v->start_ms ? f->at_ms - v->start_ms : 0);
        buf_printf(&out, "%12.*s  %-*.*s  " STR_FMT "\n",
                   STR_ARG(str_printf(a, "+" STR_FMT, STR_ARG(since))), STAGE_WIDTH,
                   STR_ARG(out_safe(a, v->stages.v[f->stage].name, false)),
                   STR_ARG(out_safe(a, f->text, false)));
    }
    struct str text = buf_dup(a, &out);
    return text.p ? text : S("");
}

/* ---- what a failed command printed ---- */

static void failed_output(struct arena *a, const struct cli *c, const struct view_stage *s,
                          const struct view_build *b, struct buf *out) {
    buf_printf(out, "  last lines of " STR_FMT "'s failed command (trunkline logs has them all):\n",
               STR_ARG(out_safe(a, s->name, false)));
    for (size_t i = 0; i < b->last_lines.n; i++) {
        struct str line = cut(a, out_safe(a, b->last_lines.v[i], false), OUTPUT_MAX);
        buf_printf(out, "    %s" STR_FMT "%s\n", out_style(c, OUT_DIM), STR_ARG(line),
                   out_style(c, OUT_PLAIN));
    }
}

struct str watch_failures(struct arena *a, const struct cli *c, const struct view *v) {
    struct buf out cleanup_buf;
    buf_init(&out, MAX_TEXT);
    for (size_t i = 0; i < v->stages.n; i++) {
        const struct view_stage *s = &v->stages.v[i];
        for (size_t k = 0; k < s->actions.n; k++) {
            const struct view_build *b = s->actions.v[k].build;
            if (b && str_is(s->actions.v[k].status, "Failed") && b->last_lines.n) {
                failed_output(a, c, s, b, &out);
            }
        }
    }
    struct str text = buf_dup(a, &out);
    return text.p ? text : S("");
}
