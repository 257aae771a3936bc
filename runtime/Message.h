/*===- Message.h - What the artifact says on standard error ------------------===
 *
 * Errors and notes, each one line behind the program's name:
 * `story: cannot open 'x': No such file or directory`.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_MESSAGE_H
#define CRIA_RUNTIME_MESSAGE_H

/* Takes the program's name for messages from argv[0], without its folders. */
void criaSetProgram(const char *argv0);
const char *criaProgram(void);

/* Prints an error. Returns -1, so that a caller can say `return criaError(...)`. */
int criaError(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a note: something the user should know that is no error. */
void criaNote(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Shows, on a terminal only, how far things are: in a line that the next such line
 * is written over, and that the next error or note clears. */
void criaProgress(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* CRIA_RUNTIME_MESSAGE_H */
