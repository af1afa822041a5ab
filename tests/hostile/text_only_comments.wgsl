// Has nothing but this comment.
// expect: rejected "there is no function 'attack'"
// handler: scalar attack args=OWN

/* nothing */
