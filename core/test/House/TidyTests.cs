using Xunit;

namespace CsiThin.Core.Tests.House;

/// <summary>The house rules, held against every file; and every rule held against a text that breaks it, so that none sleeps.</summary>
public sealed class TidyTests
{
    public static TheoryData<string> RuleNames() => new(TidyRules.All.Select(rule => rule.Name));

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void Every_file_keeps_the_rule(string name)
    {
        Assert.True(SourceTree.CSharp.Count > 50, $"only {SourceTree.CSharp.Count} files found in {SourceTree.Root}");
        var findings = SourceTree.CSharp.SelectMany(Rule(name).Check).ToList();
        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }

    [Theory]
    [InlineData("wall clock", "core/src/Pool/X.cs", "var now = DateTime.UtcNow;")]
    [InlineData("wall clock", "driver/src/Csi/X.cs", "var now = DateTimeOffset.Now;")]
    [InlineData("wall clock", "driver/src/Csi/X.cs", "var text = $\"at {DateTime.Now:O}\";")]
    [InlineData("waiting", "core/src/Pool/X.cs", "Thread.Sleep(5);")]
    [InlineData("waiting", "driver/src/Csi/X.cs", "await Task.Delay(timeout, cancellation);")]
    [InlineData("console", "driver/src/Csi/X.cs", "Console.WriteLine(x);")]
    [InlineData("unseeded random", "core/test/Device/X.cs", "var random = new Random();")]
    [InlineData("unseeded random", "core/src/Device/X.cs", "Random random = new();")]
    [InlineData("unsafe", "core/src/Pool/X.cs", "internal unsafe class X")]
    [InlineData("unsafe", "driver/src/Node/X.cs", "[DllImport(\"libc\")]")]
    [InlineData("async in core", "core/src/Nbd/X.cs", "public async Task Serve()")]
    [InlineData("leftover", "core/src/Pool/X.cs", "throw new NotImplementedException();")]
    [InlineData("leftover note", "core/src/Pool/X.cs", "// TODO later")]
    [InlineData("leftover note", "core/test/Pool/X.cs", "/* FIXME */")]
    [InlineData("leftover note", "driver/src/X.cs", "/// HACK")]
    [InlineData("skipped test", "core/test/Pool/X.cs", "[Fact(Skip = \"slow\")]")]
    [InlineData("skipped test", "core/test/Pool/X.cs", "[Theory(DisplayName = \"x\", Skip=\"slow\")]")]
    [InlineData("tab", "core/src/Pool/X.cs", "\tint x;")]
    [InlineData("trailing space", "core/src/Pool/X.cs", "int x; \nint y;")]
    [InlineData("trailing space", "core/src/Pool/X.cs", "int x;\r\nint y;")]
    [InlineData("host path", "core/test/Pool/X.cs", "var path = \"/" + "root/x\";")]
    [InlineData("host path", "core/test/Pool/X.cs", "// see /" + "work/shared")]
    [InlineData("byte order mark", "core/src/Pool/X.cs", "\uFEFFusing System;")]
    [InlineData("empty documentation", "core/src/Pool/X.cs", "/// <param name=\"x\"></param>")]
    [InlineData("empty documentation", "core/src/Pool/X.cs", "/// <summary>\n/// </summary>")]
    public void A_text_that_breaks_the_rule_is_found(string name, string path, string text) =>
        Assert.Single(Rule(name).Check(new SourceFile(path, text)));

    [Theory]
    [InlineData("wall clock", "core/src/Pool/X.cs", "var now = time.GetUtcNow(); // not DateTime.UtcNow")]
    [InlineData("wall clock", "core/bench/X.cs", "var now = DateTime.UtcNow;")]
    [InlineData("waiting", "driver/src/Csi/X.cs", "await Task.Delay(timeout, _time, cancellation);")]
    [InlineData("console", "driver/src/Cli/X.cs", "Console.WriteLine(x);")]
    [InlineData("console", "driver/src/Csi/X.cs", "var text = \"Console.WriteLine\";")]
    [InlineData("unseeded random", "core/test/X.cs", "var random = new Random(seed);")]
    [InlineData("unsafe", "core/src/Device/X.cs", "internal static unsafe partial class X")]
    [InlineData("unsafe", "core/src/Pool/X.cs", "// unsafe is for the floor below\nvar x = \"\"\"unsafe \" \"\"\"; var y = 'u';")]
    [InlineData("async in core", "core/src/Nbd/X.cs", "/* async */ var x = @\"async \"\" await\"; var y = $\"{(z ? \"async\" : \"\")}\";")]
    [InlineData("leftover note", "core/src/Pool/X.cs", "var text = \"TODO\";")]
    [InlineData("skipped test", "core/test/X.cs", "var x = list.Skip(3);")]
    [InlineData("host path", "core/test/X.cs", "var path = \"/var/work/x\";")]
    [InlineData("empty documentation", "core/src/Pool/X.cs", "/// <param name=\"x\">bytes</param> <inheritdoc/>")]
    public void What_only_looks_like_it_is_left_alone(string name, string path, string text) =>
        Assert.Empty(Rule(name).Check(new SourceFile(path, text)));

    [Fact]
    public void A_line_may_be_as_long_as_the_limit_and_no_longer()
    {
        Assert.Empty(Check("long line", new string('x', TidyRules.MaxLineCharacters) + "\n"));
        Assert.Single(Check("long line", new string('x', TidyRules.MaxLineCharacters + 1) + "\n"));
    }

    [Fact]
    public void A_file_may_be_as_long_as_the_limit_and_no_longer()
    {
        Assert.Empty(Check("long file", new string('\n', TidyRules.MaxFileLines)));
        Assert.Single(Check("long file", new string('\n', TidyRules.MaxFileLines + 1)));
    }

    [Theory]
    [InlineData("class A { void B(int c = 1) {", 1, "} }")]
    [InlineData("class A<T>(int x) where T : class\n{\n    [Fact(X = 1)]\n    T B<U>() where U : class\n    {", 3, "    }\n}")]
    [InlineData("namespace N { struct A { int B { get {", 1, "} } } }")]
    [InlineData("record A { int B => x switch {", 1, "}; }")]
    [InlineData("var x = 1;\nstatic int Usage() {", 1, "}")]
    public void A_member_may_be_as_long_as_the_limit_and_no_longer(string before, int memberLines, string after)
    {
        var fits = new string('\n', TidyRules.MaxMemberLines - memberLines);
        Assert.Empty(Check("long member", before + fits + after));
        Assert.Single(Check("long member", before + fits + "\n" + after));
    }

    [Fact]
    public void A_long_table_or_type_is_not_a_long_member() =>
        Assert.Empty(
            Check("long member", "class A { int[] b = new int[] {" + new string('\n', 80) + "}; class C {" + new string('\n', 80) + "} }"));

    private static IEnumerable<Finding> Check(string name, string text) => Rule(name).Check(new SourceFile("core/src/Pool/X.cs", text));

    private static TidyRule Rule(string name) => TidyRules.All.Single(rule => rule.Name == name);
}
