/* What the files that look for surprises share. */
#pragma once

#include "flow/phase/lint.h"
#include "flow/phase/shell_scan.h"

struct linter {
    struct arena *arena;
    const char *file;
    struct buildspec *spec;
};

/* `line` lines below where `at` begins; column 1 when that is another line. */
void lint_warn(struct linter *l, const char *code, const struct yaml_node *at, unsigned line,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* lint_commands.c: every command of every phase. */
void lint_commands(struct linter *l);
/* lint_publish.c: post_build after a failure, plans and what is applied. */
void lint_publish(struct linter *l);
/* lint_references.c: the form of references to parameters and secrets. */
void lint_references(struct linter *l);
/* lint_sections.c: images, secondary artifacts. */
void lint_sections(struct linter *l);

/* Calls `visit` for each command that is a text, in the order of the phases. `last`: no further
 * item follows in its list. */
typedef void lint_visit(struct linter *l, enum buildspec_phase_kind phase, bool finally,
                        const struct yaml_node *item, void *data);
void lint_each_command(struct linter *l, lint_visit *visit, void *data);

/* True if the words at `at` and behind begin like "terraform apply": one blank between words, '*'
 * for any one word. */
bool lint_words(const struct shell_command *command, size_t at, const char *words);
/* The same for a list that ends with NULL, at the program of the command. */
bool lint_is_one(const struct shell_command *command, const char *const *list);
