# Programs that ask the system or start others.
set -v
id; id -un; whoami; groups; users | wc -l; who | wc -l; uname -s -m; arch; hostid | wc -c
logname | wc -l; tty; printenv HOME
env -i A=1 env; nice -n 5 nice; nohup echo x; timeout 0.2 sleep 10; echo $?
timeout -s KILL 0.2 sleep 10; echo $?
sleep 0.01; true; echo $?; false; echo $?; test 3 -lt 4 && echo less; [ -d / ] && echo dir
date -u -d @0; date -d '2024-02-29 + 1 year' +%F
stdbuf -o0 echo unbuffered; kill -l 9; kill -0 $$; echo $?; chroot / pwd; pwd; nproc | wc -l
stty -a
su user -c id; pinky -l root | head -1; uptime | wc -l
