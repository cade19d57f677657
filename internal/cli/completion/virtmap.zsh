#compdef virtmap
# zsh completion of virtmap: eval "$(virtmap completion zsh)"
_virtmap() {
	local -a found open
	found=(${(f)"$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	open=(${(M)found:#*:}) # goes on, such as postfix:
	found=(${found:#*:})
	(( $#open )) && compadd -S '' -a open
	(( $#found )) && compadd -a found
	(( $#open + $#found )) || _files
}
# As a file of fpath this is the function's body at its first call.
if [[ "${funcstack[1]}" == _virtmap ]]; then _virtmap; else compdef _virtmap virtmap; fi
