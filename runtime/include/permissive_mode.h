/* In IA2, a program that includes this file goes on after a violation and logs it. Here that is no property of a source: the rewriter
 * refuses the line, so that no program is permissive without its makers' knowing. Without compartments it means nothing. */
