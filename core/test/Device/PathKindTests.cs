using CsiThin.Core.Device.Files;
using CsiThin.Core.Tests.Support;
using Xunit;

namespace CsiThin.Core.Tests.Device;

public sealed class PathKindTests
{
    [Fact]
    public void A_path_is_what_it_leads_to()
    {
        using var file = new TempFile();
        File.WriteAllText(file.Path, "");
        using var link = new TempFile();
        File.CreateSymbolicLink(link.Path, file.Path);
        Assert.Equal(PathKind.File, PathKinds.Of(file.Path));
        Assert.Equal(PathKind.File, PathKinds.Of(link.Path));
        Assert.Equal(PathKind.Absent, PathKinds.Of(file.Path + "-absent"));
        Assert.Equal(PathKind.Absent, PathKinds.Of(file.Path + "/below"));
        Assert.Equal(PathKind.Directory, PathKinds.Of("/"));
        Assert.Equal(PathKind.Other, PathKinds.Of("/dev/null"));
        Assert.True(PathKinds.AreSame(file.Path, link.Path));
        Assert.False(PathKinds.AreSame(file.Path, "/dev/null"));
        Assert.False(PathKinds.AreSame(file.Path, file.Path + "-absent"));
    }
}
