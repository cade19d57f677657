#compdef virtmap
# zsh completion of virtmap: eval "$(virtmap completion zsh)"
_virtmap() {
	local -a found
	found=(${(f)"$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	(( $#found )) && compadd -a found || _files
}
compdef _virtmap virtmap
