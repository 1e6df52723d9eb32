//! The system calls on where a process stands and whom it acts for.

use base::{Errno, Lwp};
use markers::syscall;
use syscall::{Fd, GroupsIn, GroupsOut, Path, UserOut};

use crate::calls::{self, of_file, walk};
use crate::lookup::Walk;
use crate::{Credentials, Person};

/// The path of where the process stands, with a NUL behind it: how many bytes. `ERANGE` if there is less room.
#[syscall]
pub fn getcwd(lwp: &Lwp<'_>, buffer: UserOut<'_>) -> Result<usize, Errno> {
    let walk = Walk::new(lwp)?;
    let mut path = walk.path_of(&walk.person.directory(lwp)?)?;
    path.push(0);
    match path.len() <= buffer.len() {
        true => calls::put(&path, buffer),
        false => Err(Errno::ERANGE),
    }
}

/// Goes to a directory.
#[syscall]
pub fn chdir(lwp: &Lwp<'_>, path: Path<'_>) -> Result<(), Errno> {
    let directory = calls::directory(lwp, path)?;
    Person::of(lwp)?.set_directory(directory);
    Ok(())
}

/// Goes to an open directory.
#[syscall]
pub fn fchdir(lwp: &Lwp<'_>, fd: Fd) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let vnode = of_file(open)?.vnode();
        walk(lwp)?.check_directory(vnode)?;
        Person::of(lwp)?.set_directory(vnode.clone());
        Ok(())
    })
}

/// Has paths begin at a directory.
#[syscall]
pub fn chroot(lwp: &Lwp<'_>, path: Path<'_>) -> Result<(), Errno> {
    let directory = calls::directory(lwp, path)?;
    let person = Person::of(lwp)?;
    if !person.credentials().is_root() {
        return Err(Errno::EPERM);
    }
    person.set_root(directory);
    Ok(())
}

/// Sets the bits that new files do not get; what they were.
#[syscall]
pub fn umask(lwp: &Lwp<'_>, mask: u32) -> Result<u32, Errno> {
    Ok(Person::of(lwp)?.set_umask(mask))
}

/// The user the process acts for.
#[syscall]
pub fn getuid(lwp: &Lwp<'_>) -> Result<u32, Errno> {
    Ok(Person::of(lwp)?.credentials().user)
}

/// The group the process acts for.
#[syscall]
pub fn getgid(lwp: &Lwp<'_>) -> Result<u32, Errno> {
    Ok(Person::of(lwp)?.credentials().group)
}

/// Acts for another user from now on.
#[syscall]
pub fn setuid(lwp: &Lwp<'_>, user: u32) -> Result<(), Errno> {
    calls::change_person(lwp, |old| Credentials { user, ..old })
}

/// Acts for another group from now on.
#[syscall]
pub fn setgid(lwp: &Lwp<'_>, group: u32) -> Result<(), Errno> {
    calls::change_person(lwp, |old| Credentials { group, ..old })
}

/// The groups the process acts for beside its own, in the order of their numbers: how many.
#[syscall]
pub fn getgroups(lwp: &Lwp<'_>, mut groups: GroupsOut<'_>) -> Result<i32, Errno> {
    Ok(groups.put(&Person::of(lwp)?.credentials().groups)? as i32)
}

/// Acts for these groups beside its own from now on.
#[syscall]
pub fn setgroups(lwp: &Lwp<'_>, groups: GroupsIn<'_>) -> Result<(), Errno> {
    let person = Person::of(lwp)?;
    let old = person.credentials();
    if !old.is_root() {
        return Err(Errno::EPERM);
    }
    let mut groups = groups.get()?.to_vec();
    groups.sort_unstable();
    person.set_credentials(Credentials {
        groups,
        ..(*old).clone()
    });
    Ok(())
}
