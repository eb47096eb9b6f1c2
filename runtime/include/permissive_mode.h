/* In IA2, a program that includes this file goes on after a violation and logs it. Here `rewrite.py
 * --permissive` makes such a program, of any sources; one that is made to enforce is refused if it
 * has this line, so that none is permissive without its makers' knowing. Without compartments it
 * means nothing. */
