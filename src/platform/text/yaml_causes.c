/* Usual causes of libyaml's problems; yaml_causes.h. */
#include "platform/text/yaml_causes.h"

#include <stddef.h>
#include <string.h>

const char *yaml_usual_cause(const char *problem) {
    static const struct {
        const char *problem, *cause;
    } usual[] = {
        {"mapping values are not allowed in this context",
         "the line is indented deeper than the keys around it, or a text with ': ' in it needs "
         "quotes"},
        {"did not find expected key",
         "the line is not indented as the keys around it, or a quote is not closed before it"},
        {"did not find expected '-' indicator", "the line is not indented as the items before it"},
        {"could not find expected ':'", "a key without ':', or a quote that is not closed"},
        {"did not find expected ',' or '}'", "a '{' that is not closed, or a ',' that is missing"},
        {"did not find expected ',' or ']'", "a '[' that is not closed, or a ',' that is missing"},
        {"found character that cannot start any token",
         "a text that begins with @, ` or % needs quotes"},
        {"found unexpected end of stream", "a quote that is not closed"},
    };
    for (size_t i = 0; problem != NULL && i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (strcmp(problem, usual[i].problem) == 0) {
            return usual[i].cause;
        }
    }
    return NULL;
}
