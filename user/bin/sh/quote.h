/* Text in a form that the shell reads back as the same text. */
#ifndef SH_QUOTE_H
#define SH_QUOTE_H

/* The word in single quotes, in scratch memory. */
char *quote_word(const char *word);

#endif
