from flis.cli import main

main()
