using System.Globalization;
using CsiThin.Driver.Bench;

return args switch
{
    ["router"] => await RouterBench.RunAsync(1000),
    ["router", var nodes] => await RouterBench.RunAsync(int.Parse(nodes, CultureInfo.InvariantCulture)),
    ["node"] => await NodeBench.RunAsync(1000, Path.GetTempPath()),
    ["node", var volumes] => await NodeBench.RunAsync(int.Parse(volumes, CultureInfo.InvariantCulture), Path.GetTempPath()),
    ["node", var volumes, var directory] => await NodeBench.RunAsync(int.Parse(volumes, CultureInfo.InvariantCulture), directory),
    ["nodes", var nodes, var volumes, var certificates] => await SimulatedNodes.RunAsync(
        int.Parse(nodes, CultureInfo.InvariantCulture), int.Parse(volumes, CultureInfo.InvariantCulture), certificates),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: router [NODES] | node [VOLUMES [DIR]]");
    return 2;
}
