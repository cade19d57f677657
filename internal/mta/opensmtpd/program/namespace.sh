set -e
root=$1 folder=$2
hostname "$3"
for file in passwd group hosts resolv.conf nsswitch.conf; do
	mount --bind "$folder/$file" "/etc/$file"
done
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/spool
mkdir /var/spool/smtpd
mount --bind "$folder/spool" /var/spool/smtpd
mount -t tmpfs tmpfs /var/lib
mkdir -p /var/lib/opensmtpd/empty
sbin=/usr/sbin
if [ -n "$root" ]; then
	sbin=$root/usr/sbin
	mkdir -p /usr/libexec
	mount -t tmpfs tmpfs /usr/libexec
	cp -r "$root/usr/libexec/opensmtpd" /usr/libexec/
fi
mkdir /run/sbin
install -g opensmtpq -m 2755 "$sbin/smtpctl" /run/sbin/smtpctl
chmod 711 /var/spool/smtpd
"$sbin/smtpd" -n -f "$folder/smtpd.conf"
exec "$sbin/smtpd" -d -f "$folder/smtpd.conf"
