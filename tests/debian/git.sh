# A small history: add, commit, branch, merge with a conflict, log, diff, clone, gc, bisect by hand.
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_PAGER=cat
git config --global user.name n; git config --global user.email e@x
git config --global init.defaultBranch main; git config --global advice.detachedHead false
git init -q r; cd r; seq 20 > f; git add f; git commit -qm one; git log --format='%H %s'
git checkout -qb side; sed -i s/^3$/three/ f; git commit -qam two; git checkout -q main
sed -i s/^3$/drei/ f; git commit -qam three; git merge side; git status --short
sed -i '/^[<=>]/d' f; git commit -qam merged; git log --graph --oneline; git diff HEAD~1 --stat
git show HEAD:f | head -4
git tag v1; git clone -q . ../c; cd ../c; git log --oneline | wc -l; git gc -q
git fsck --no-progress; git rev-parse HEAD v1; echo x > new; git stash -uq; git status --short
git stash pop -q; git status --short; git blame f | cut -c1-8 | sort -u | wc -l
git grep -n drei; git archive HEAD | tar t; git reset -q --hard HEAD~1; git reflog | wc -l
git ls-tree HEAD; git cat-file -p HEAD | head -1
