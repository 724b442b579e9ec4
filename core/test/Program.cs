using CsiThin.Core.Tests.PowerCuts;

// The tests are run by `dotnet test`; started by itself, this is the command for power cuts in any number (e2e/power-cuts).
return PowerCutCommand.Run(args, Console.Out, Console.Error);
